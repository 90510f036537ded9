"""Stands in for git-sync v4 inside the sandbox, where its published image can't be pulled.

Flags, environment, files and endpoint are as git-sync v4.7 has them, as far as this project uses them; whatever else is
asked of it is refused by name, and so are submodules. It runs by itself: standard library only.
"""

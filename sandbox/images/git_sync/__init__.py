"""Stands in for git-sync v4 inside the sandbox."""

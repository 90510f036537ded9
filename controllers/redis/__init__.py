"""Keeps the label of Redis' primary true, and remembers outside of the volumes that there was data."""

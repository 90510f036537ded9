"""Edits of the stack's settings, done on a real sandbox: what the report says of each, and what then happens."""

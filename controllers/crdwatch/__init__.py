"""Logs what becomes of the objects of one kind: a JSON line for each that is added, modified or deleted."""

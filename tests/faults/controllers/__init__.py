"""Faults of the controllers: real processes before a real API server, with a proxy between them that makes trouble."""

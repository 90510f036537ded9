"""Preflight: read-only questions to the target cluster before anything is registered."""

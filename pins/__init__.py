"""Keeps the pinned versions: asks image registries for digests, and publishers for newer versions."""

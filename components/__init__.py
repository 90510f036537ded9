"""The components of the platform: each declares one part of the stack from its validated settings."""

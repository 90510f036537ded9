"""Stand-in for the official random plugin: passwords, strings, ids and UUIDs from the system's secure source."""

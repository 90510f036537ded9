"""Stand-in for the official Kubernetes plugin: applies to a real API server, answers as the official one does."""

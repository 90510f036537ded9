"""The Website controller: nginx and git-sync behind a Service for every Website."""

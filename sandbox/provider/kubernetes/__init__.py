"""Stand-in for the official Kubernetes plugin: applies to a real API server and answers as the official one does.

It makes single objects and Helm charts: Kustomize folders, YAML files, Helm releases and Patch resources are refused by
name. Unlike the official plugin it doesn't wait for Ingresses and ReplicationControllers, and it refuses unknown fields
instead of warning of them.
"""

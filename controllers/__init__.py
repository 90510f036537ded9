"""Kubernetes controllers of the platform. They know nothing of the program that deploys them."""

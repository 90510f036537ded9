"""Fault suites: real servers, real processes, and everything that can happen to them."""

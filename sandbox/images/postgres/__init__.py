"""Starts PostgreSQL under Patroni inside the sandbox, where the operator's published image (Spilo) can't be pulled.

The environment is the one that the Zalando operator 1.15 gives a database pod. What of it can't be honoured here is
refused by name before anything is started. Runs with what Debian's package `patroni` brings along.
"""

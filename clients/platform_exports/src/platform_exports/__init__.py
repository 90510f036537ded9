"""What a stack of the platform exports, as attributes with types, for other teams' Pulumi programs."""

from platform_exports.platform_stack import Platform
from platform_exports.reading import ContractError
from platform_exports.sections import (
    CredentialsSecret,
    Memcached,
    Network,
    PasswordSecret,
    Postgres,
    PostgresCluster,
    Redis,
    Sentinel,
    Storage,
    Websites,
)

__all__ = [
    "ContractError",
    "CredentialsSecret",
    "Memcached",
    "Network",
    "PasswordSecret",
    "Platform",
    "Postgres",
    "PostgresCluster",
    "Redis",
    "Sentinel",
    "Storage",
    "Websites",
]

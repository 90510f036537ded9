"""Patroni's configuration (3.0, YAML) for one pod, from the operator's environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sandbox.images.postgres.contract import data_folder, programs
from sandbox.images.postgres.pgbackrest import patroni_sections

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.images.postgres.contract import Contract

PORT, API_PORT = 5432, 8008
# Never empty: the operator takes a cluster without any for one that isn't there yet, and then neither changes
# its configuration nor replaces its pods (its `pkg/cluster/sync.go`). The published image writes these and others.
_PARAMETERS = {"wal_compression": "on", "wal_log_hints": "on"}
# The operator's default `team_admin_role`: without it, it can't make the users of the `postgresql`.
_ADMIN = "admin"


def configuration(contract: Contract, folder: Path, certificate: tuple[str, str]) -> dict[str, Any]:
    """Return the configuration; `folder` is for files that go with the container, `certificate` is with its key."""
    base: dict[str, Any] = {
        "scope": contract.scope,
        "name": contract.pod,
        "kubernetes": _kubernetes(contract),
        "restapi": {"listen": f":{API_PORT}", "connect_address": f"{contract.pod_ip}:{API_PORT}"},
        "bootstrap": {
            "dcs": {"postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": _PARAMETERS}},
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            "users": _roles(contract),
        },
        "postgresql": _postgresql(contract, folder, certificate),
    }
    return merged(merged(base, patroni_sections(contract, folder)), contract.configuration)


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return `over` laid over `base`: objects key by key, `initdb` appended as the published image does, else whole."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = merged(cast("dict[str, Any]", before), cast("dict[str, Any]", value))
        elif key == "initdb" and isinstance(before, list):
            result[key] = [*cast("list[Any]", before), *value]
        else:
            result[key] = value
    return result


def _roles(contract: Contract) -> dict[str, Any]:
    """Return the roles that the published image makes and of which the operator makes others members."""
    roles: dict[str, Any] = {_ADMIN: {"options": ["CREATEDB", "NOLOGIN"]}}
    if contract.human_role:
        roles[contract.human_role] = {"options": ["NOLOGIN"]}
    return roles


def _kubernetes(contract: Contract) -> dict[str, Any]:
    endpoints = {"use_endpoints": True, "pod_ip": contract.pod_ip, "ports": [{"name": "postgresql", "port": PORT}]}
    return {
        "namespace": contract.namespace,
        "labels": contract.labels,
        "scope_label": contract.scope_label,
        "role_label": contract.role_label,
        **({} if contract.use_configmaps else endpoints),
    }


def _postgresql(contract: Contract, folder: Path, certificate: tuple[str, str]) -> dict[str, Any]:
    tls = {"ssl": "on", "ssl_cert_file": certificate[0], "ssl_key_file": certificate[1]}
    authority = {"ssl_ca_file": contract.authority_file} if contract.authority_file else {}
    return {
        "listen": f"*:{PORT}",
        "connect_address": f"{contract.pod_ip}:{PORT}",
        "data_dir": data_folder(contract.root),
        "bin_dir": programs(),
        "pgpass": str(folder / "pgpass"),
        "use_unix_socket": True,
        "authentication": {
            "superuser": {"username": contract.superuser, "password": contract.superuser_password},
            "replication": {"username": contract.standby, "password": contract.standby_password},
        },
        "parameters": {"unix_socket_directories": str(folder), **tls, **authority},
        "pg_hba": _access(contract),
        # A former primary whose history has parted must not stay away until a person comes.
        "remove_data_directory_on_rewind_failure": True,
        "remove_data_directory_on_diverged_timelines": True,
    }


def _access(contract: Contract) -> list[str]:
    """Return pg_hba.conf as in the published image, PAM left out: over the network by TLS with a password only."""
    return [
        "local all all trust",
        "host all all 127.0.0.1/32 md5",
        "host all all ::1/128 md5",
        f"local replication {contract.standby} trust",
        f"hostssl replication {contract.standby} all md5",
        "hostnossl all all all reject",
        # Means SCRAM wherever the password is kept so.
        "hostssl all all all md5",
    ]

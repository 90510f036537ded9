"""PgBouncer's configuration (1.18) for one pod, from the operator's environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.images.pgbouncer.contract import Contract


def configuration(contract: Contract, users: Path, certificate: tuple[str, str]) -> str:
    """Return pgbouncer.ini; `users` is the file of the pooler's own login, `certificate` is with its key."""
    # A role's password is asked for in the database that the client wants: the operator makes the function in each.
    database = f"host={contract.host} port={contract.port} auth_user={contract.user}"
    settings = {
        "listen_addr": "*",
        "listen_port": contract.listen_port,
        # The directory of the socket; empty is none.
        "unix_socket_dir": "",
        "pool_mode": contract.mode,
        **contract.sizes,
        # Means SCRAM wherever the password is kept so.
        "auth_type": "md5",
        "auth_file": str(users),
        "auth_query": f"SELECT uname, phash FROM {contract.schema}.user_lookup($1)",  # noqa: S608 - from the operator, checked
        "admin_users": contract.user,
        "client_tls_sslmode": "require",
        "client_tls_cert_file": certificate[0],
        "client_tls_key_file": certificate[1],
        # Nobody's certificate is checked against it in this mode, but PgBouncer wants a file even so.
        "client_tls_ca_file": contract.authority_file or certificate[0],
        # The operator gives pooler and database the same authority, where it gives one.
        "server_tls_sslmode": "verify-ca" if contract.authority_file else "require",
        "server_tls_ca_file": contract.authority_file or certificate[0],
        # Seconds until a server that didn't answer is tried again; by default 15, which a failover would take longer.
        "server_login_retry": "1",
        # What JDBC and others send with every connection; PgBouncer would refuse them for it.
        "ignore_startup_parameters": "extra_float_digits",
    }
    lines = "\n".join(f"{key} = {value}" for key, value in settings.items())
    return f"[databases]\n* = {database}\n\n[pgbouncer]\n{lines}\n"


def users(contract: Contract) -> str:
    """Return the file of the pooler's own login."""
    return f"{_quoted(contract.user)} {_quoted(contract.password)}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'

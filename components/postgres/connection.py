"""What the exports say of one cluster."""

from typing import Any

from components.postgres.network import PORT
from components.postgres.settings import PostgresSettings


def connection(settings: PostgresSettings, domain: str) -> dict[str, Any]:
    """Return where the cluster answers, and its first database with the owner and the owner's Secret."""
    database, user = next(iter(settings.databases.items()))
    name, suffix = settings.name, f"{settings.namespace}.svc.{domain}"
    return {
        "host": f"{name}.{suffix}",
        "replicaHost": f"{name}-repl.{suffix}",
        # The operator's names of the Services before its PgBouncers, which answer on the same port.
        "poolerHost": f"{name}-pooler.{suffix}" if settings.pooler else None,
        "poolerReplicaHost": f"{name}-pooler-repl.{suffix}" if settings.pooler else None,
        "port": PORT,
        "database": database,
        "user": user,
        "credentialsSecret": {
            "namespace": settings.namespace,
            # The operator's default `secret_name_template`, with what a Secret's name may have.
            "name": f"{user.replace('_', '-')}.{name}.credentials.postgresql.acid.zalan.do",
            "usernameKey": "username",
            "passwordKey": "password",
        },
    }

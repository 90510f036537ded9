"""What the operator asks of a database pod by its environment, and what of that is refused here.

Names: `pkg/cluster/k8sres.go` of the Zalando operator 1.15.1, and Spilo's `ENVIRONMENT.rst` for what people add.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sandbox.images.postgres import storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.images.postgres.storage import Archive, Clone

# What lies in the image; its recipe has the same.
MAJOR = "15"
_NEEDED = (
    "SCOPE",
    "PGROOT",
    "POD_IP",
    "POD_NAMESPACE",
    "PGUSER_SUPERUSER",
    "PGPASSWORD_SUPERUSER",
    "PGUSER_STANDBY",
    "PGPASSWORD_STANDBY",
    "KUBERNETES_LABELS",
    "KUBERNETES_SCOPE_LABEL",
    "KUBERNETES_ROLE_LABEL",
)
# Taken without effect, and said so at start.
WITHOUT_EFFECT = {
    "PAM_OAUTH2": "the operator always gives it; nobody can log in by a token here",
    "KUBERNETES_BOOTSTRAP_LABELS": "Patroni 3.0 doesn't know it: a pod has no such label while it is being filled",
}
# Variables of the published image that start like this ask for what isn't there: tools, or another store than the API;
# all but those that `storage` honours.
_REFUSED = {
    "archive of WAL": ("WAL_", "WALE_", "WALG_", "USE_WALE", "USE_WALG", "BACKUP_", "ENABLE_WAL_PATH_COMPAT"),
    "clone": ("CLONE_",),
    "standby cluster": ("STANDBY_",),
    "object storage": ("AWS_", "AZURE_", "GOOGLE_", "SWIFT_"),
    "shipping of logs": ("LOG_", "SCALYR_"),
    "another store than the API server": ("ETCD_", "ETCD3_", "ZOOKEEPER_", "EXHIBITOR_"),
    "hooks of the image": ("CALLBACK_SCRIPT", "BGMON_", "POST_INIT", "PATRONI_"),
    "locales": ("PGLOCALE", "USE_OLD_LOCALES"),
}
_SERVICE_HOST = "_SERVICE_HOST"


class ContractError(Exception):
    """A variable that is missing, wrong or can't be honoured; the text names it and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The environment, read."""

    scope: str
    root: str
    pod: str
    pod_ip: str
    namespace: str
    superuser: str
    superuser_password: str
    standby: str
    standby_password: str
    human_role: str
    labels: dict[str, str]
    scope_label: str
    role_label: str
    use_configmaps: bool
    certificate_files: tuple[str, str] | None
    """Certificate and key; without, one is made that nobody else has signed."""
    authority_file: str
    configuration: dict[str, Any]
    """What is merged over Patroni's configuration."""
    archive: Archive | None
    clone: Clone | None


def parse(environment: Mapping[str, str], pod: str) -> Contract:
    """Return the contract of the pod with that name.

    Raises `ContractError` with all that is wrong, a line each.
    """
    if wrong := list(_problems(environment)):
        raise ContractError("\n".join(wrong))
    certificate, key = environment.get("SSL_CERTIFICATE_FILE"), environment.get("SSL_PRIVATE_KEY_FILE")
    return Contract(
        scope=environment["SCOPE"],
        root=environment["PGROOT"],
        pod=pod,
        pod_ip=environment["POD_IP"],
        namespace=environment["POD_NAMESPACE"],
        superuser=environment["PGUSER_SUPERUSER"],
        superuser_password=environment["PGPASSWORD_SUPERUSER"],
        standby=environment["PGUSER_STANDBY"],
        standby_password=environment["PGPASSWORD_STANDBY"],
        human_role=environment.get("HUMAN_ROLE", ""),
        labels=_object(environment["KUBERNETES_LABELS"]),
        scope_label=environment["KUBERNETES_SCOPE_LABEL"],
        role_label=environment["KUBERNETES_ROLE_LABEL"],
        use_configmaps=_is_true(environment.get("KUBERNETES_USE_CONFIGMAPS", "")),
        certificate_files=(certificate, key) if certificate and key else None,
        authority_file=environment.get("SSL_CA_FILE", ""),
        configuration=_object(environment.get("SPILO_CONFIGURATION") or "{}"),
        archive=storage.archive_of(environment),
        clone=storage.clone_of(environment),
    )


def _problems(environment: Mapping[str, str]) -> Iterator[str]:
    for name in _NEEDED:
        if not environment.get(name):
            yield f"{name} is missing"
    if (version := environment.get("PGVERSION", MAJOR)) != MAJOR:
        yield f"PGVERSION is {version}; this image holds PostgreSQL {MAJOR} only"
    if not _is_true(environment.get("DCS_ENABLE_KUBERNETES_API", "true")):
        yield "DCS_ENABLE_KUBERNETES_API is false; the API server is the only store that is supported here"
    if bool(environment.get("SSL_CERTIFICATE_FILE")) != bool(environment.get("SSL_PRIVATE_KEY_FILE")):
        yield "SSL_CERTIFICATE_FILE and SSL_PRIVATE_KEY_FILE go together"
    for name in ("KUBERNETES_LABELS", "SPILO_CONFIGURATION"):
        try:
            yield from _configuration_problems(_object(environment.get(name) or "{}"))
        except ValueError as error:
            yield f"{name} is no JSON object: {error}"
    yield from storage.problems(environment)
    yield from _refusals(environment)


def _configuration_problems(configuration: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a configuration asks for that isn't in the image."""
    postgresql = configuration.get("postgresql", {})
    folder = postgresql.get("bin_dir", programs())
    if folder != programs():
        yield f"SPILO_CONFIGURATION: postgresql.bin_dir is {folder}; this image holds {programs()} only"
    for line in postgresql.get("pg_hba", ()):
        if "pam" in line.split():
            yield f"SPILO_CONFIGURATION: pg_hba line {line!r} asks for PAM, which this image doesn't have"


def _refusals(environment: Mapping[str, str]) -> Iterator[str]:
    # Kubernetes gives a container variables for each Service; those of one called, say, log-store are no setting.
    services = tuple(f"{name.removesuffix(_SERVICE_HOST)}_" for name in environment if name.endswith(_SERVICE_HOST))
    for name in sorted(environment):
        if name in storage.HONOURED or (services and name.startswith(services)):
            continue
        for what, starts in _REFUSED.items():
            if name.startswith(starts):
                yield f"{name} is not supported here ({what})"


def data_folder(root: str) -> str:
    """Return the folder of the database's files."""
    return f"{root}/data"


def programs() -> str:
    """Return the folder of PostgreSQL's programs."""
    return f"/usr/lib/postgresql/{MAJOR}/bin"


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:40]!r} is a {type(value).__name__}")  # noqa: TRY004 - like the parser's own
    return cast("dict[str, Any]", value)


def _is_true(text: str) -> bool:
    return text.lower() in {"true", "1", "on"}

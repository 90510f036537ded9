"""The certificate of the PostgreSQL cluster and of its PgBouncers, from a Secret."""

import re
from collections.abc import Iterator
from typing import NotRequired, TypedDict

from pydantic import Field

from components.fields import DnsLabel, Model
from components.problems import Problem

# What the group `postgres` has in the published image (the operator's user.md, "Custom TLS certificates").
_SPILO_GROUP = 103
# What a key of a Secret may be called (apimachinery, util/validation, IsConfigMapKey).
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


class PostgresTlsSettings(Model):
    """A certificate that clients can check, in place of one that each pod makes for itself."""

    secret: DnsLabel
    """Secret in the cluster's namespace with tls.crt and tls.key, valid for the exported hosts."""
    ca_file: str | None = "ca.crt"
    """Key of the authority in that Secret; null where it has none, and client certificates can't be checked."""
    fs_group: int = Field(default=_SPILO_GROUP, ge=1)
    """Group that the key is readable by, given to all pods; by default that of the published image."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the fields."""
        if self.ca_file is not None and not _KEY.fullmatch(self.ca_file):
            yield Problem("caFile", self.ca_file, "a key of the Secret: letters, digits, '-', '_' and '.', or null")


class Tls(TypedDict):
    """``spec.tls`` of ``postgresql``."""

    secretName: str
    caFile: NotRequired[str]


class TlsSpec(TypedDict, total=False):
    """What the ``postgresql`` has with a certificate, and lacks without."""

    tls: Tls
    spiloFSGroup: int
    podAnnotations: dict[str, str]


def tls_spec(settings: PostgresTlsSettings | None) -> TlsSpec:
    """Return the fields; files that they don't name are called as kubernetes.io/tls has them."""
    if settings is None:
        return {}
    section: Tls = {"secretName": settings.secret}
    if settings.ca_file:
        section["caFile"] = settings.ca_file
    # The operator looks for edits of `tls` in the database's pods only; for those of annotations in PgBouncers' too,
    # which it then makes anew, with the certificate (`syncConnectionPoolerWorker`, operator 1.15.1).
    said = " ".join(filter(None, (settings.secret, settings.ca_file, str(settings.fs_group))))
    return {"tls": section, "spiloFSGroup": settings.fs_group, "podAnnotations": {"platform/tls": said}}

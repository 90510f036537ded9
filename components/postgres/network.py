"""Who may reach which cluster's pods, and whom these may."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pulumi_kubernetes.meta.v1 import LabelSelectorArgsDict
from pulumi_kubernetes.networking.v1 import NetworkPolicyEgressRuleArgsDict, NetworkPolicyIngressRuleArgsDict

from components.base import from_clients, in_namespace, tcp, to_api_server, to_dns
from components.postgres.settings import PostgresSettings

PORT = 5432
# Patroni's API, which members and operator ask who is primary.
PATRONI_PORT = 8008
_HTTP_PORT, _HTTPS_PORT = 80, 443
# The operator's default `cluster_name_label`: on databases, poolers and backups.
_CLUSTER_LABEL = "cluster-name"


@dataclass(frozen=True)
class Isolation:
    """The NetworkPolicy of one cluster and its copies."""

    pods: LabelSelectorArgsDict
    ingress: list[NetworkPolicyIngressRuleArgsDict]
    egress: list[NetworkPolicyEgressRuleArgsDict]


def main_isolation(settings: PostgresSettings) -> Isolation:
    """Return that of the main cluster: all pods of the namespace that aren't of a further cluster."""
    others = sorted(name for _, further in settings.further_clusters() for name in (further.name, *further.copies))
    return _isolation(settings, _cluster("NotIn", others) if others else {}, "postgres")


def further_isolation(settings: PostgresSettings) -> Isolation:
    """Return that of a further cluster, whose clients have a label of their own."""
    pods = _cluster("In", sorted((settings.name, *settings.copies)))
    return _isolation(settings, pods, f"postgres-{settings.name}")


def _isolation(settings: PostgresSettings, pods: LabelSelectorArgsDict, clients: str) -> Isolation:
    return Isolation(
        pods,
        ingress=[
            {"from_": [from_clients(clients)], "ports": tcp(PORT)},
            # Members, poolers and backups among themselves, and the operator.
            {
                "from_": [{"pod_selector": pods}, in_namespace(settings.operator_namespace)],
                "ports": tcp(PORT, PATRONI_PORT),
            },
        ],
        egress=[
            {"to": [{"pod_selector": pods}], "ports": tcp(PORT, PATRONI_PORT)},
            to_dns(),
            # Patroni keeps its leader there.
            to_api_server(),
            *_to_backup_storage(settings),
        ],
    )


def _cluster(operator: str, names: Iterable[str]) -> LabelSelectorArgsDict:
    return {"match_expressions": [{"key": _CLUSTER_LABEL, "operator": operator, "values": [*names]}]}


def _to_backup_storage(settings: PostgresSettings) -> list[NetworkPolicyEgressRuleArgsDict]:
    """Return the rule for object storage outside the cluster, by its port: a policy knows no host names."""
    backups = (settings.logical_backup, settings.wal_backup)
    ports = sorted({_port(backup.endpoint) for backup in backups if backup})
    return [{"ports": tcp(*ports)}] if ports else []


def _port(endpoint: str | None) -> int:
    url = urlsplit(endpoint or "")
    return url.port or (_HTTP_PORT if url.scheme == "http" else _HTTPS_PORT)

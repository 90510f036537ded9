"""PostgreSQL: a ``postgresql`` of the Zalando operator for each cluster, three instances by default."""

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.base import Component, in_namespace, tcp, to_api_server, to_dns
from components.operators import operator_chart
from components.postgres.connection import connection
from components.postgres.network import PATRONI_PORT, PORT, Isolation, further_isolation, main_isolation
from components.postgres.objects import PostgresqlSpec, postgresql
from components.postgres.operator import ends_soon, operator_values
from components.postgres.settings import PostgresSettings
from components.versions import POSTGRES_OPERATOR

# `app.kubernetes.io/component`: what goes with a copy is in the archive.
DATABASE, COPY = "database", "database-copy"


class Postgres(Component):
    """The ``postgresql`` of each cluster in their Namespace, and with ``operator: chart`` the Zalando operator."""

    def __init__(
        self,
        name: str,
        settings: PostgresSettings,
        *,
        storage_classes: Mapping[str, pulumi.Input[str]],
        domain: str,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        # `baseline`: the published Spilo image starts as root and drops to postgres by itself.
        namespace = self.namespace(settings.namespace, security="baseline", protect=protect)
        self._isolate(settings.name, settings, main_isolation(settings), namespace)
        ready = self._operator(settings, protect=protect) if settings.operator == "chart" else []
        if settings.operator == "chart":
            self._isolate_operator(settings, depends_on=ready)
        # Holds the data: the operator deletes the database with this object.
        opts = self.child(depends_on=[namespace, *ready], protect=protect)
        self._cluster("cluster", settings, storage_classes[settings.name], opts)
        for key, cluster in settings.further_clusters():
            # Names of Kubernetes have no dot in the first part: no other resource of ours is called so.
            self._isolate(key, cluster, further_isolation(cluster), namespace)
            self._cluster(key, cluster, storage_classes[cluster.name], opts)
        further = {cluster.name: connection(cluster, domain) for _, cluster in settings.further_clusters()}
        self.connection = {**connection(settings, domain), "clusters": further}
        self.register_outputs({"connection": self.connection})

    def _cluster(
        self,
        resource: str,
        settings: PostgresSettings,
        storage_class: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare a cluster, and its copies."""
        metadata = self.metadata(settings.name, settings.namespace, component=DATABASE)
        self._postgresql(resource, metadata, postgresql(settings, storage_class), opts)
        for copy in settings.copies:
            self._postgresql(
                f"copy-{copy}",
                self.metadata(copy, settings.namespace, component=COPY),
                # Its WAL has the names of the cluster's own, and so has that of the next copy of this name.
                postgresql(settings.copy_settings(copy), storage_class, archives=False),
                # Never protected: what it holds is in the archive.
                pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=False)),
            )

    def _postgresql(
        self, resource: str, metadata: ObjectMetaArgs, spec: PostgresqlSpec, opts: pulumi.ResourceOptions
    ) -> None:
        CustomResource(
            resource, api_version="acid.zalan.do/v1", kind="postgresql", metadata=metadata, spec=spec, opts=opts
        )

    def _isolate(
        self, resource: str, settings: PostgresSettings, isolation: Isolation, namespace: pulumi.Resource
    ) -> None:
        self.network_policy(
            settings.name,
            settings.namespace,
            pods=isolation.pods,
            ingress=isolation.ingress,
            egress=isolation.egress,
            component=DATABASE,
            resource=resource,
            depends_on=[namespace],
        )

    def _isolate_operator(self, settings: PostgresSettings, depends_on: list[pulumi.Resource]) -> None:
        """Let the operator reach what it works on; nobody needs to reach the operator."""
        self.network_policy(
            "postgres-operator",
            settings.operator_namespace,
            egress=[
                {"to": [in_namespace(settings.namespace)], "ports": tcp(PORT, PATRONI_PORT)},
                to_dns(),
                to_api_server(),
            ],
            component="operator",
            depends_on=depends_on,
        )

    def _operator(self, settings: PostgresSettings, *, protect: bool) -> list[pulumi.Resource]:
        namespace = self.namespace(settings.operator_namespace, security="baseline", protect=protect)
        values = operator_values(settings, protect=protect)
        return [
            operator_chart(
                self,
                POSTGRES_OPERATOR,
                settings.chart.model_copy(update={"version": settings.chart.version or settings.operator_version}),
                namespace=settings.operator_namespace,
                values=values,
                protect=protect,
                depends_on=[namespace],
                transform=ends_soon,
            )
        ]

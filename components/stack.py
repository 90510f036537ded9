"""Puts the parts together: the only place where one component's outputs reach another."""

import pulumi

from components import exports
from components.calico import Calico
from components.cluster import Cluster
from components.longhorn import Longhorn
from components.memcached import Memcached
from components.postgres import Postgres
from components.protection import Protection
from components.redis import Redis
from components.samples import Samples
from components.settings import Settings
from components.websites import Websites


def build(settings: Settings) -> None:
    """Declare the whole stack and export its contract."""
    cluster = Cluster("cluster", settings.cluster)
    opts = pulumi.ResourceOptions(
        providers=[cluster.kubernetes, cluster.random],
        # Nothing is made before the cluster is known to be this stack's.
        depends_on=[cluster.ownership],
    )
    protect, domain = settings.protect, settings.cluster.domain

    calico = Calico("calico", settings.calico, protect=protect, opts=opts) if settings.calico.enabled else None
    network = [calico] if calico else []
    on_network = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=network))

    longhorn = (
        Longhorn(
            "longhorn",
            settings.longhorn,
            nodes=settings.cluster.nodes,
            zones=settings.cluster.zones,
            protect=protect,
            opts=on_network,
        )
        if settings.longhorn.enabled
        else None
    )
    on_storage = pulumi.ResourceOptions.merge(
        on_network, pulumi.ResourceOptions(depends_on=[longhorn] if longhorn else [])
    )

    def storage_class(own: str | None) -> pulumi.Input[str]:
        if own is None and longhorn is not None:
            return longhorn.storage_class
        # The settings were checked: with Longhorn off, whoever asks for volumes names a class.
        assert own is not None  # noqa: S101
        return own

    postgres = (
        Postgres(
            "postgres",
            settings.postgres,
            storage_classes={
                cluster.name: storage_class(cluster.volume.storage_class)
                for _, cluster in settings.postgres.every_cluster()
            },
            domain=domain,
            protect=protect,
            opts=on_storage,
        )
        if settings.postgres.enabled
        else None
    )
    redis = (
        Redis(
            "redis",
            settings.redis,
            storage_class=storage_class(settings.redis.volume.storage_class),
            domain=domain,
            protect=protect,
            opts=on_storage,
        )
        if settings.redis.enabled
        else None
    )
    websites = (
        Websites("websites", settings.websites, domain=domain, protect=protect, opts=on_network)
        if settings.websites.enabled
        else None
    )
    memcached = (
        Memcached("memcached", settings.memcached, domain=domain, protect=protect, opts=on_network)
        if settings.memcached.enabled
        else None
    )
    samples = (
        Samples("samples", settings.samples, protect=protect, opts=on_network) if settings.samples.enabled else None
    )
    parts = (cluster, calico, longhorn, postgres, redis, websites, memcached, samples)
    Protection("protection", of=[part for part in parts if part], protect=protect, opts=opts)
    exports.export(
        network={"podCidrs": [pool.cidr for pool in settings.calico.ip_pools]} if calico else None,
        storage={"storageClass": longhorn.storage_class} if longhorn else None,
        postgres=postgres.connection if postgres else None,
        redis=redis.connection if redis else None,
        websites={"urls": websites.urls} if websites else None,
        memcached=memcached.connection if memcached else None,
    )

"""Values of the chart of the Zalando operator."""

from typing import Any, NotRequired, TypedDict, cast

import pulumi

from components.postgres.backup_settings import LogicalBackupSettings
from components.postgres.rotation import RotationValues, rotation_values
from components.postgres.settings import PostgresSettings

# Asked to end while it waits for a database pod's deletion, the operator hears of none any more and never ends, so that
# `destroy` would wait for all of Kubernetes' 30 seconds (`pkg/cluster/util.go` of 1.15.1, `waitForPodDeletion`). Idle,
# it ends in less than one.
GRACE_SECONDS = 10


class ConfigGeneral(TypedDict):
    """``configGeneral`` of the chart."""

    enable_crd_registration: bool
    kubernetes_use_configmaps: bool
    resync_period: str


class ConfigKubernetes(TypedDict):
    """``configKubernetes`` of the chart."""

    enable_pod_antiaffinity: bool
    enable_persistent_volume_claim_deletion: bool
    enable_owner_references: bool
    enable_finalizers: bool
    watched_namespace: str


class ConfigTimeouts(TypedDict):
    """``configTimeouts`` of the chart."""

    pod_deletion_wait_timeout: str


class Image(TypedDict):
    """``image`` of the chart."""

    registry: str
    repository: str
    tag: str


class PostgresOperatorValues(TypedDict):
    """Values of the chart ``postgres-operator`` that differ from its defaults, or that must not change with them."""

    configGeneral: ConfigGeneral
    configKubernetes: ConfigKubernetes
    configTimeouts: ConfigTimeouts
    image: NotRequired[Image]
    configUsers: NotRequired[RotationValues]
    configLogicalBackup: NotRequired[dict[str, str]]


def operator_values(settings: PostgresSettings, *, protect: bool) -> PostgresOperatorValues:
    """Return the chart's values; with ``protect``, volumes outlive the database."""
    values: PostgresOperatorValues = {
        "configGeneral": {
            # The chart brings the CRDs. The operator would write others over them, which every preview shows as drift.
            "enable_crd_registration": False,
            # The chart and the plain manifests differ here, and switching it live risks two primaries.
            "kubernetes_use_configmaps": False,
            # How often it looks at all that it made, and goes on with what failed, such as a rolling update that missed
            # a deletion: its repairs come no more often than this (`pkg/controller/postgresql.go`). Default 30 minutes.
            "resync_period": "2m",
        },
        "configKubernetes": {
            "enable_pod_antiaffinity": True,
            "enable_persistent_volume_claim_deletion": not protect,
            "enable_owner_references": True,
            "enable_finalizers": False,
            "watched_namespace": settings.namespace,
        },
        # A rolling update that misses a pod's deletion waits this long instead of the default 10 minutes.
        "configTimeouts": {"pod_deletion_wait_timeout": "60s"},
    }
    if settings.operator_image:
        values["image"] = _image(settings.operator_image)
    if settings.password_rotation:
        values["configUsers"] = rotation_values(settings.password_rotation)
    if settings.logical_backup:
        values["configLogicalBackup"] = _backup_storage(settings.logical_backup)
    return values


def ends_soon(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Limit how long the operator may take to end, for which its chart has no value."""
    if args.type_ != "kubernetes:apps/v1:Deployment":
        return None
    # What a chart renders is plain data.
    spec = cast("dict[str, Any]", args.props["spec"])
    spec["template"]["spec"]["terminationGracePeriodSeconds"] = GRACE_SECONDS
    return pulumi.ResourceTransformResult(args.props, args.opts)


def _image(name: str) -> Image:
    """Return the parts that the chart puts together again."""
    registry, _, rest = name.partition("/")
    repository, _, tag = rest.rpartition(":")
    return {"registry": registry, "repository": repository, "tag": tag}


def _backup_storage(backup: LogicalBackupSettings) -> dict[str, str]:
    """Return the chart's ``configLogicalBackup``; without a value the chart's own default stays."""
    values = {
        "logical_backup_docker_image": backup.image,
        "logical_backup_s3_bucket": backup.bucket,
        "logical_backup_s3_region": backup.region,
        "logical_backup_s3_endpoint": backup.endpoint,
        "logical_backup_cronjob_environment_secret": backup.credentials_secret,
    }
    return {key: value for key, value in values.items() if value}

"""The shop: an app that keeps orders in PostgreSQL, sessions in Redis and uploads on a volume."""

from typing import Any

import pulumi
from platform_exports import Platform
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim

from credentials import bind
from network import isolate

NAMESPACE = "shop"
# The second and third let the pods through to the platform's services.
LABELS = {"app": "shop", "platform/postgres-client": "true", "platform/redis-client": "true"}
SELECTOR = {"app": "shop"}
PORT = 8080
UID = 65532


class Shop(pulumi.ComponentResource):
    """Everything of the shop, in a namespace that the platform team has given it (rights.yaml)."""

    def __init__(self, name: str, *, platform: Platform, image: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("shop:index:Shop", name, None, opts)
        options = pulumi.ResourceOptions(parent=self)
        postgres, redis = platform.postgres, platform.redis
        login = postgres.credentials_secret
        database = bind(
            "shop-postgres",
            login,
            {"PGUSER": login.username_key, "PGPASSWORD": login.password_key},
            namespace=NAMESPACE,
            parent=self,
        )
        cache = bind(
            "shop-redis",
            redis.password_secret,
            {"REDIS_PASSWORD": redis.password_secret.key},
            namespace=NAMESPACE,
            parent=self,
        )
        uploads = PersistentVolumeClaim(
            "uploads",
            # Holds data: another name is another, empty volume.
            metadata={"name": "shop-uploads", "namespace": NAMESPACE},
            spec={
                "access_modes": ["ReadWriteOnce"],
                "storage_class_name": platform.storage.storage_class,
                "resources": {"requests": {"storage": "1Gi"}},
            },
            opts=options,
        )
        policies = isolate(platform, namespace=NAMESPACE, labels=SELECTOR, parent=self)
        where = {
            "PGHOST": postgres.host,
            "PGPORT": postgres.port.apply(str),
            "PGDATABASE": postgres.database,
            "REDIS_HOST": redis.host,
            "REDIS_USERNAME": redis.username,
            "REDIS_PORT": redis.port.apply(str),
        }
        # The pods restart when the platform has changed the credentials.
        versions = {"shop/postgres-version": database.version, "shop/redis-version": cache.version}
        Deployment(
            "app",
            metadata={"name": "shop", "namespace": NAMESPACE},
            spec={
                "replicas": 1,
                # One volume for one pod.
                "strategy": {"type": "Recreate"},
                "selector": {"match_labels": SELECTOR},
                "template": {
                    "metadata": {"labels": LABELS, "annotations": versions},
                    "spec": _pod(image, where, secrets=["shop-postgres", "shop-redis"]),
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[database.secret, cache.secret, uploads, *policies]),
        )
        self.register_outputs({})


def _pod(image: str, where: dict[str, pulumi.Output[str]], *, secrets: list[str]) -> Any:  # noqa: ANN401 - a nested literal
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": UID,
            "run_as_group": UID,
            "fs_group": UID,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "app",
                "image": image,
                "env": [{"name": name, "value": value} for name, value in where.items()],
                "env_from": [{"secret_ref": {"name": secret}} for secret in secrets],
                "ports": [{"name": "http", "container_port": PORT}],
                "readiness_probe": {"http_get": {"path": "/readyz", "port": "http"}},
                "liveness_probe": {"http_get": {"path": "/healthz", "port": "http"}},
                "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volume_mounts": [{"name": "uploads", "mount_path": "/var/lib/shop"}],
            }
        ],
        "volumes": [{"name": "uploads", "persistent_volume_claim": {"claim_name": "shop-uploads"}}],
    }

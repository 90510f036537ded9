"""The pods' templates: with Sentinel, and the plain pair without."""

from typing import Any

from components.fields import quantity_value
from components.redis.names import (
    METRICS_PORT,
    NAME,
    PORT,
    PRIORITY_CLASS,
    SELECTOR,
    SENTINEL_PORT,
    STATE,
    TLS_FOLDER,
    UID,
    host,
)
from components.redis.passwords import KEYS
from components.redis.settings import RedisExporterSettings, RedisSettings
from components.security import CONTAINER_SECURITY, pod_security
from components.versions import pinned

# A quarter of the memory stays for replication buffers and the copy-on-write pages of a background save.
MAX_MEMORY_SHARE = (3, 4)
# Seconds. The pair needs the last fsync; a hand-over waits 20 s at most for Sentinels that don't answer, the shutdown
# 10 s for replicas (shutdown-timeout), and a first append-only file may have to be finished.
PAIR_GRACE, FAILOVER_GRACE = 30, 60
# Sentinel resolves names in its main loop: a lost DNS server must not hold it up for long, since above 2 s it
# distrusts its clock and does nothing for half a minute (TILT).
DNS = {
    "options": [{"name": "ndots", "value": "1"}, {"name": "timeout", "value": "1"}, {"name": "attempts", "value": "1"}]
}
# What a Sentinel takes: its lists are short.
SENTINEL_RESOURCES = {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "32Mi"}}


def pair_spec(settings: RedisSettings, domain: str) -> dict[str, Any]:
    """Return the pod of the plain pair: ordinal 0 is the primary."""
    primary = {"name": "PRIMARY_HOST", "value": host(0, settings.namespace, domain)}
    server = _server(settings, [_pod_name(), primary])
    # Up to five minutes to load the append-only file before the liveness probe counts.
    server["startup_probe"] = _probe("alive.sh", period=5, failures=60)
    server["liveness_probe"] = _probe("alive.sh", period=10, failures=6)
    server["readiness_probe"] = _probe("ready.sh", period=5, failures=2)
    return {
        **_pod(),
        "termination_grace_period_seconds": PAIR_GRACE,
        "containers": [server],
        "volumes": [_config(), {"name": "secret", "secret": {"secret_name": NAME, "default_mode": 0o440}}, _run("run")],
    }


def failover_spec(settings: RedisSettings, domain: str) -> dict[str, Any]:
    """Return the pod with a server and its Sentinel."""
    environment = _environment(settings, domain)
    server = _server(settings, [*environment, {"name": "EVICTION_POLICY", "value": settings.eviction_policy}])
    server["volume_mounts"] += _shared_mounts(settings)
    # Waiting for an election, loading and a full disk count as alive: only a hung process is restarted.
    server["startup_probe"] = _probe("alive.sh", PORT, period=5, failures=60)
    server["liveness_probe"] = _probe("alive.sh", PORT, period=10, failures=6)
    server["readiness_probe"] = _probe("ready.sh", period=5, failures=2)
    server["lifecycle"] = {"pre_stop": {"exec_": {"command": _script("handover.sh")}}}
    sentinel = {
        "name": "sentinel",
        "image": pinned(settings.image),
        "command": _script("sentinel.sh"),
        "env": environment,
        "ports": [{"name": "sentinel", "container_port": SENTINEL_PORT}],
        "resources": SENTINEL_RESOURCES,
        "security_context": CONTAINER_SECURITY,
        "liveness_probe": _probe("alive.sh", SENTINEL_PORT, period=10, failures=6),
        "lifecycle": {"pre_stop": {"exec_": {"command": _script("linger.sh")}}},
        "volume_mounts": [
            {"name": "sentinel", "mount_path": "/sentinel"},
            {"name": "run-sentinel", "mount_path": "/run/redis"},
            *_files(),
            *_shared_mounts(settings),
        ],
    }
    # The user that the scripts know as `app` has the key that clients know as `password`.
    items = [
        {"key": key + version, "path": key.replace("password", "app") + version}
        for key in KEYS
        for version in ("", "-next", "-previous")
    ]
    return {
        **_pod(),
        "termination_grace_period_seconds": FAILOVER_GRACE,
        "priority_class_name": PRIORITY_CLASS,
        "dns_config": DNS,
        "containers": [server, sentinel, *([_exporter(settings, settings.exporter)] if settings.exporter else [])],
        "volumes": [
            _config(),
            {"name": "secret", "secret": {"secret_name": NAME, "default_mode": 0o440, "items": items}},
            # Without it nobody could tell a first boot from a lost volume.
            {"name": "state", "config_map": {"name": STATE, "optional": False}},
            _run("run"),
            _run("run-sentinel"),
            *([{"name": "tls", "secret": {"secret_name": settings.tls.secret}}] if settings.tls else []),
        ],
    }


def _environment(settings: RedisSettings, domain: str) -> list[dict[str, Any]]:
    values = {
        "POD_DOMAIN": host(0, settings.namespace, domain).partition(".")[2],
        **({"TLS_DIR": TLS_FOLDER} if settings.tls else {}),
    }
    return [_pod_name(), *({"name": name, "value": value} for name, value in values.items())]


def _pod() -> dict[str, Any]:
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": pod_security(UID),
        "topology_spread_constraints": [
            _spread("topology.kubernetes.io/zone", "ScheduleAnyway"),
            _spread("kubernetes.io/hostname", "DoNotSchedule"),
        ],
        # Spread evenly counts one more here than there as even; with a node to spare nobody needs to share.
        "affinity": {
            "pod_anti_affinity": {
                "preferred_during_scheduling_ignored_during_execution": [
                    {
                        "weight": 100,
                        "pod_affinity_term": {
                            "topology_key": "kubernetes.io/hostname",
                            "label_selector": {"match_labels": SELECTOR},
                        },
                    }
                ]
            }
        },
    }


def _server(settings: RedisSettings, environment: list[dict[str, Any]]) -> dict[str, Any]:
    share, whole = MAX_MEMORY_SHARE
    memory = int(quantity_value(settings.resources.memory) * share / whole)
    return {
        "name": "redis",
        "image": pinned(settings.image),
        "command": _script("start.sh"),
        "env": [*environment, {"name": "MAX_MEMORY", "value": str(memory)}],
        "ports": [{"name": "redis", "container_port": PORT}],
        "resources": settings.resources.container(),
        "security_context": CONTAINER_SECURITY,
        "volume_mounts": [
            {"name": "data", "mount_path": "/data"},
            {"name": "run", "mount_path": "/run/redis"},
            *_files(),
        ],
    }


def _exporter(settings: RedisSettings, exporter: RedisExporterSettings) -> dict[str, Any]:
    scheme = "rediss" if settings.tls else "redis"
    environment: list[dict[str, Any]] = [
        {"name": "REDIS_ADDR", "value": f"{scheme}://127.0.0.1:{PORT}"},
        # The certificate names the pod, not the loopback address.
        *([{"name": "REDIS_EXPORTER_SKIP_TLS_VERIFICATION", "value": "true"}] if settings.tls else []),
        {"name": "REDIS_USER", "value": "monitor"},
        {"name": "REDIS_PASSWORD", "value_from": {"secret_key_ref": {"name": NAME, "key": "monitor"}}},
    ]
    return {
        "name": "exporter",
        "image": pinned(exporter.image),
        "env": environment,
        "ports": [{"name": "metrics", "container_port": METRICS_PORT}],
        "resources": exporter.resources.container(),
        "security_context": CONTAINER_SECURITY,
    }


def _pod_name() -> dict[str, Any]:
    return {"name": "POD_NAME", "value_from": {"field_ref": {"field_path": "metadata.name"}}}


def _script(name: str) -> list[str]:
    return ["sh", f"/etc/redis-config/{name}"]


def _files() -> list[dict[str, Any]]:
    return [{"name": name, "mount_path": f"/etc/redis-{name}", "read_only": True} for name in ("config", "secret")]


def _shared_mounts(settings: RedisSettings) -> list[dict[str, Any]]:
    tls = [{"name": "tls", "mount_path": TLS_FOLDER, "read_only": True}] if settings.tls else []
    return [{"name": "state", "mount_path": "/etc/redis-state", "read_only": True}, *tls]


def _config() -> dict[str, Any]:
    # Sentinel runs one of the scripts by itself, so they must be executable.
    return {"name": "config", "config_map": {"name": f"{NAME}-config", "default_mode": 0o555}}


def _run(name: str) -> dict[str, Any]:
    # Holds passwords in a configuration file, so it stays in memory.
    return {"name": name, "empty_dir": {"medium": "Memory", "size_limit": "1Mi"}}


def _probe(script: str, *arguments: int, period: int, failures: int) -> dict[str, Any]:
    return {
        "exec_": {"command": [*_script(script), *map(str, arguments)]},
        "period_seconds": period,
        "timeout_seconds": 5,
        "failure_threshold": failures,
    }


def _spread(key: str, otherwise: str) -> dict[str, Any]:
    return {
        "max_skew": 1,
        "topology_key": key,
        "when_unsatisfiable": otherwise,
        # A lost node is no place to wait for.
        "node_taints_policy": "Honor",
        "label_selector": {"match_labels": SELECTOR},
    }

"""The provider's own configuration: which cluster, and how edits and conflicts are treated."""

# ruff: noqa: PLC0415 - a preview without changes connects to nothing, so it needn't load a client

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.provider.errors import ProviderError
from sandbox.provider.values import reveal

if TYPE_CHECKING:
    import httpx2
    from lightkube.config.kubeconfig import KubeConfig, SingleConfig

    from sandbox.provider.values import Json, Properties

_TEXTS: Final = ("cluster", "clusterIdentifier", "context", "kubeconfig", "namespace")
_SWITCHES: Final = (
    "deleteUnreachable",
    "enableConfigMapMutable",
    "enablePatchForce",
    "enableSecretMutable",
    "enableServerSideApply",
    "suppressDeprecationWarnings",
    "upsertExistingObjects",
)
_WITHOUT_EFFECT: Final = ("helmReleaseSettings", "kubeClientSettings", "suppressHelmHookWarnings")
"""They tune what the stand-in doesn't do: Helm releases, client-side throttling."""
_ENGINE_KEYS: Final = ("version", "pluginDownloadURL", "__internal")
_REQUEST_SECONDS: Final = 32
"""The official plugin's limit for one request."""


@dataclass(frozen=True)
class Settings:
    """The provider's configuration, checked."""

    kubeconfig: str
    context: str | None
    cluster: str | None
    namespace: str
    delete_unreachable: bool
    config_maps_mutable: bool
    secrets_mutable: bool
    force_conflicts: bool
    suppress_warnings: bool
    adopt_existing: bool

    @classmethod
    def parse(cls, properties: Properties) -> Settings:
        """Return the settings; raises ProviderError when they need what the stand-in can't do."""
        faults = find_faults(properties)
        if faults:
            raise ProviderError("; ".join(f"{key}: {reason}" for key, reason in faults))
        plain: Properties = reveal(properties)
        return cls(
            kubeconfig=str(plain.get("kubeconfig", "")),
            context=plain.get("context"),
            cluster=plain.get("cluster"),
            namespace=str(plain.get("namespace", "")),
            delete_unreachable=_switch(plain, "deleteUnreachable"),
            config_maps_mutable=_switch(plain, "enableConfigMapMutable"),
            secrets_mutable=_switch(plain, "enableSecretMutable"),
            force_conflicts=_switch(plain, "enablePatchForce"),
            suppress_warnings=_switch(plain, "suppressDeprecationWarnings"),
            adopt_existing=_switch(plain, "upsertExistingObjects"),
        )

    def mutable(self, kind: str) -> bool:
        """Tell whether the content of ConfigMaps or Secrets may be edited in place."""
        return self.config_maps_mutable if kind == "ConfigMap" else self.secrets_mutable and kind == "Secret"

    def write_kubeconfig(self, folder: Path) -> Path:
        """Return a file with the kubeconfig, for programs that need one; made in `folder` where it was given as text.

        Raises ProviderError with the key `cluster`, which no such program knows.
        """
        if self.cluster:
            raise ProviderError("cluster: can't be chosen apart from the context where a chart is rendered")
        if not isinstance(_content(self.kubeconfig), dict):
            return _path(self.kubeconfig)
        file = folder / "kubeconfig"
        file.write_text(self.kubeconfig, encoding="utf-8")
        return file

    def connect(self) -> tuple[httpx2.Client, str]:
        """Return a connection to the cluster and the namespace for objects that name none."""
        import httpx2
        from lightkube.config.client_adapter import Client, ConnectionParams

        config = active_cluster(self.kubeconfig, self.context, self.cluster)
        # The sandbox is on this machine: a proxy from the environment would only be in the way.
        limits = ConnectionParams(timeout=httpx2.Timeout(_REQUEST_SECONDS), trust_env=False)
        return Client(config, limits), self.namespace or config.namespace


def find_faults(properties: Properties) -> list[tuple[str, str]]:
    """Return what is wrong with the configuration, as pairs of key and reason."""
    known = (*_TEXTS, *_SWITCHES, *_WITHOUT_EFFECT, *_ENGINE_KEYS)
    faults = [
        (key, f"the sandbox's stand-in for the Kubernetes plugin knows no such key; it knows {', '.join(known)}")
        for key in properties
        if key not in known
    ]
    faults += [
        (key, f"is {properties[key]!r}, must be true or false")
        for key in _SWITCHES
        if key in properties and _as_bool(properties[key]) is None
    ]
    if _as_bool(properties.get("enableServerSideApply", True)) is False:
        faults.append(("enableServerSideApply", "is false; the sandbox's stand-in knows server-side apply only"))
    return faults


def active_cluster(kubeconfig: str, context: str | None, cluster: str | None) -> SingleConfig:
    """Return the chosen cluster of a kubeconfig, given as its path or its content.

    Without one, the file that KUBECONFIG names is used, or ~/.kube/config.
    """
    from lightkube.core.exceptions import ConfigError

    try:
        loaded = _load(kubeconfig)
        chosen = loaded.get(context)
    except (ConfigError, KeyError, OSError) as error:
        raise ProviderError(f"kubeconfig: {error}") from error
    if chosen is None or (cluster and cluster not in loaded.clusters):
        raise ProviderError(f"kubeconfig: has no cluster {cluster!r}; it has {', '.join(sorted(loaded.clusters))}")
    return chosen._replace(cluster=loaded.clusters[cluster]) if cluster else chosen


def _load(kubeconfig: str) -> KubeConfig:
    from lightkube.config.kubeconfig import KubeConfig

    content = _content(kubeconfig)
    return KubeConfig.from_dict(content) if isinstance(content, dict) else KubeConfig.from_file(_path(kubeconfig))


def _content(kubeconfig: str) -> Json:
    import yaml

    return yaml.safe_load(kubeconfig) if kubeconfig else None


def _path(kubeconfig: str) -> Path:
    from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG

    return Path(kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG).expanduser()


def _switch(properties: Properties, key: str) -> bool:
    environment = "PULUMI_K8S_" + re.sub("(?=[A-Z])", "_", key).upper()
    return bool(_as_bool(properties.get(key, os.environ.get(environment, "false"))))


def _as_bool(value: Json) -> bool | None:
    # The SDK sends switches as JSON text.
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())

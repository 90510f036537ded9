"""The controllers under test, as black boxes: a module to run, rights to give, objects to make."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.faults.controllers.api import Object, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controllers.runtime.rules import Rule

PROJECT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Subject:
    """A controller and the kind that it reconciles."""

    name: str
    """Its package under ``controllers/``."""
    crd_file: str
    environment: Mapping[str, str]
    smallest: Mapping[str, Any]
    """A spec of what is required."""
    full: Mapping[str, Any]
    """A spec whose objects have every kind of child that can be had together; ``NAME`` is the object's name."""
    changes: Mapping[str, Any]
    """For each field another value than that in ``full``."""
    typical: Sequence[str]
    """Fields whose changes lead to different writes."""
    removable: Sequence[str]
    """Fields of ``full`` that take a child along when they go."""

    @property
    def module(self) -> str:
        """What Python runs."""
        return f"controllers.{self.name}"

    @property
    def rules(self) -> Sequence[Rule]:
        """The rights that it has in production."""
        return importlib.import_module(f"{self.module}.rbac").NAMESPACE_RULES

    @property
    def crd(self) -> Object:
        """Its CRD."""
        return yaml.safe_load((PROJECT / "crds" / self.crd_file).read_text())

    @property
    def resource(self) -> Resource:
        """Its kind."""
        spec = self.crd["spec"]
        (version,) = (each["name"] for each in spec["versions"] if each["storage"])
        return Resource(spec["group"], version, spec["names"]["plural"])

    @property
    def kind(self) -> str:
        """Its kind's name."""
        return self.crd["spec"]["names"]["kind"]

    def named(self, values: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return fields as an object of this name has them."""
        return {key: value.replace("NAME", name) if isinstance(value, str) else value for key, value in values.items()}

    def manifest(self, name: str, spec: object) -> Object:
        """Return an object."""
        own = self.resource
        return {
            "apiVersion": f"{own.group}/{own.version}",
            "kind": self.kind,
            "metadata": {"name": name},
            "spec": spec,
        }


WEBSITE = Subject(
    name="website",
    crd_file="websites.yaml",
    environment={
        "NGINX_IMAGE": "registry.example.com/nginx-unprivileged:1",
        "GIT_SYNC_IMAGE": "registry.example.com/git-sync:v4",
    },
    smallest={"gitRepo": "https://git.example.com/site.git"},
    full={"gitRepo": "https://git.example.com/site.git", "replicas": 2, "host": "NAME.example.com"},
    changes={
        "gitRepo": "ssh://git@git.example.com/other.git",
        "ref": "v2",
        "path": "docs",
        "credentialsSecret": "deploy-key",
        "syncPeriod": "5m",
        "resources": {"requests": {"cpu": "20m"}, "limits": {"memory": "64Mi"}},
        "replicas": 1,
        "host": "NAME.example.org",
        "ingressClassName": "internal",
        "tlsSecret": "wildcard",
        "gateway": {"name": "public", "namespace": "gateways"},
        "serviceType": "ClusterIP",
    },
    typical=("gitRepo", "replicas", "host", "gateway", "serviceType"),
    removable=("host",),
)

MEMCACHED = Subject(
    name="memcached",
    crd_file="memcacheds.yaml",
    environment={"MEMCACHED_IMAGE": "registry.example.com/memcached:1.6"},
    smallest={},
    full={"size": 2},
    changes={"size": 1},
    typical=("size",),
    removable=(),
)

SUBJECTS = {subject.name: subject for subject in (WEBSITE, MEMCACHED)}

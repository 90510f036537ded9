"""The publishers' CRDs: taken from their Go modules and kept in the cache, so that none is copied into the project."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.progress import Progress
from sandbox.toolchain.publishers import Publisher, collected

# Longhorn's file is also the template of its chart; what a template would add are labels.
_TEMPLATE = re.compile(r"\{\{.*?\}\}")

# The newest versions that can be had as Go modules; environments pin newer operators (components/versions.py).
POSTGRES_OPERATOR = Publisher(
    "github.com/zalando/postgres-operator",
    "v1.15.1",
    "h1:WjZA6KySmDw4bpY77lk/5P+vYCAf2xMCmVl/EOyu7Ww=",
    ("manifests/*.crd.yaml",),
)
TIGERA_OPERATOR = Publisher(
    "github.com/tigera/operator",
    "v1.36.5",
    "h1:OOZ/Lhkg8nBv3ilrVsG4TNPs5cSc947PIL4rqlKlY7c=",
    # Of the operator's own kinds only those of the open-source edition: others switch it to its enterprise mode.
    (
        "pkg/crds/operator/operator.tigera.io_apiservers.yaml",
        "pkg/crds/operator/operator.tigera.io_imagesets.yaml",
        "pkg/crds/operator/operator.tigera.io_installations.yaml",
        "pkg/crds/operator/operator.tigera.io_tigerastatuses.yaml",
        "pkg/crds/calico/*.yaml",
    ),
)
LONGHORN = Publisher(
    "github.com/longhorn/longhorn-manager",
    "v1.10.0",
    "h1:Sod6dxBLu9JD/f2Ff59i6SAAc76/OaNdJab7UOpKRig=",
    ("k8s/crds.yaml",),
)
GATEWAY_API = Publisher(
    "sigs.k8s.io/gateway-api",
    "v1.4.0",
    "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ=",
    ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
)
PUBLISHERS = (POSTGRES_OPERATOR, TIGERA_OPERATOR, LONGHORN, GATEWAY_API)
# PostgreSQL's come with their chart where the stack `dev` is rolled out.
BEFORE_DEV = (TIGERA_OPERATOR, LONGHORN, GATEWAY_API)


def ensure_crds(publishers: tuple[Publisher, ...] = PUBLISHERS, progress: Progress | None = None) -> Path:
    """Return a folder with the publishers' CRDs as YAML files, fetched once."""
    return collected("crds", publishers, _without_template, progress or Progress())


def _without_template(file: Path, publisher: Publisher, target: Path) -> None:
    text = _TEMPLATE.sub("", file.read_text())
    (target / f"{Path(publisher.module).name}-{file.name}").write_text(text)

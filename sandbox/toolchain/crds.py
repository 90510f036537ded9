"""The publishers' CRDs: taken from their Go modules and kept in the cache, so that none is copied into the project."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.progress import Progress
from sandbox.toolchain import go
from sandbox.toolchain.cache import cache_folder, locked, made_whole

# Longhorn's file is also the template of its chart; what a template would add are labels.
_TEMPLATE = re.compile(r"\{\{.*?\}\}")


@dataclass(frozen=True, slots=True)
class Publisher:
    """A Go module, the checksum its content must have (as in a go.sum), and where its CRDs lie."""

    module: str
    version: str
    sum: str
    files: tuple[str, ...]


# The newest versions that can be had as Go modules; environments pin newer operators (components/versions.py).
PUBLISHERS = (
    Publisher(
        "github.com/zalando/postgres-operator",
        "v1.15.1",
        "h1:WjZA6KySmDw4bpY77lk/5P+vYCAf2xMCmVl/EOyu7Ww=",
        ("manifests/*.crd.yaml",),
    ),
    Publisher(
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
    ),
    Publisher(
        "github.com/longhorn/longhorn-manager",
        "v1.10.0",
        "h1:Sod6dxBLu9JD/f2Ff59i6SAAc76/OaNdJab7UOpKRig=",
        ("k8s/crds.yaml",),
    ),
    Publisher(
        "sigs.k8s.io/gateway-api",
        "v1.4.0",
        "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ=",
        ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
    ),
)


def ensure_crds(progress: Progress | None = None) -> Path:
    """Return a folder with all publishers' CRDs as YAML files, fetched once."""
    folder = cache_folder() / "crds" / hashlib.sha256(repr(PUBLISHERS).encode()).hexdigest()[:12]
    with locked(f"crds-{folder.name}"):
        if not folder.exists():
            shown = progress or Progress()
            go_program = go.find_go(shown)
            with shown.step("Publishers' CRDs: taking them from Go modules"), made_whole(folder) as scratch:
                for publisher in PUBLISHERS:
                    _extract(publisher, go_program, scratch)
    return folder


def _extract(publisher: Publisher, go_program: Path, target: Path) -> None:
    source = _download(publisher, go_program)
    for pattern in publisher.files:
        files = sorted(source.glob(pattern))
        if not files:
            raise SandboxError(f"{publisher.module} {publisher.version} holds no file {pattern}.")
        for file in files:
            text = _TEMPLATE.sub("", file.read_text())
            (target / f"{Path(publisher.module).name}-{file.name}").write_text(text)


def _download(publisher: Publisher, go_program: Path) -> Path:
    """Return the folder of the module in Go's module cache, once its checksum is the pinned one."""
    name = f"{publisher.module}@{publisher.version}"
    command = [go_program, "mod", "download", "-json", name]
    run = subprocess.run(command, cwd=cache_folder(), env=go.environment(), capture_output=True, text=True, check=False)
    answer: dict[str, str] = json.loads(run.stdout or "{}")
    if run.returncode:
        reason = answer.get("Error") or run.stderr.strip()
        raise SandboxError(f"`{' '.join(map(str, command))}` failed: {reason}\nSet GOPROXY to a proxy you can reach.")
    if answer["Sum"] != publisher.sum:
        raise SandboxError(f"{name} has the checksum {answer['Sum']}, but {publisher.sum} is pinned.")
    return Path(answer["Dir"])

"""The two sides that are compared: Websites, whose children the controller makes, and a script that makes them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.controllers.api import Api, Object, kinds_with
from tests.faults.controllers.lab import eventually
from tests.faults.controllers.subjects import PROJECT, WEBSITE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.controllers.stage import Stage

# The range of node ports is full at 2,768 Services.
SPEC = {**WEBSITE.smallest, "serviceType": "ClusterIP"}
_SAMPLE = "sample"
# What the API server adds; the rest is what the controller wrote.
_KEPT_METADATA = ("name", "labels", "annotations", "ownerReferences")
_CHOSEN = ("clusterIP", "clusterIPs")
_LONGEST = 1800.0

Template = tuple[str, str]


@dataclass
class Side:
    """Creates objects from templates, in namespaces of its own, as one user."""

    stage: Stage
    label: str
    namespaces: Sequence[str]
    templates: Sequence[Template]
    account: str
    """Whose token to use; empty: an administrator, as the one who creates Websites is a person."""
    concurrency: int
    _numbers: Any = field(default_factory=itertools.count)

    def create(self, count: int, rate: float | None, seen: Path) -> dict[str, tuple[float, float]]:
        """Create so many, ``rate`` a second or as fast as it goes; return when each began and was seen."""
        numbers = [next(self._numbers) for _ in range(count)]
        names = [f"{self.namespaces[number % len(self.namespaces)]}/{self.label}-{number:05}" for number in numbers]
        cluster, times = self.stage.cluster, self.stage.folder / "began"
        plan = {
            "server": cluster.server,
            "authority": cluster.authority,
            "certificate": "" if self.account else cluster.certificate,
            "key": cluster.key,
            "headers": {"Authorization": f"Bearer {self.stage.token(self.account)}"} if self.account else {},
            "templates": self.templates,
            "names": names,
            "rate": rate,
            "concurrency": self.concurrency,
        }
        (self.stage.folder / "plan.json").write_text(json.dumps(plan))
        command = [sys.executable, "-m", "benchmarks.controllers.load", self.stage.folder / "plan.json", times]
        subprocess.run(command, cwd=PROJECT, check=True)
        began = _read(times, "")
        found = _await(seen, names)
        return {name: (began[name], found[name]) for name in names}


def website_template() -> Template:
    """Return how a Website is created."""
    return WEBSITE.resource.path("NAMESPACE"), json.dumps(WEBSITE.manifest("NAME", SPEC))


async def sample(api: Api, stage: Stage) -> list[Template]:
    """Return how the children of a Website are created, taken from those that the controller makes of one."""
    namespace = stage.namespaces[0]
    await api.create(WEBSITE.resource, namespace, WEBSITE.manifest(_SAMPLE, SPEC))

    async def through() -> None:
        if not (await api.get(WEBSITE.resource, namespace, _SAMPLE)).get("status"):
            raise AssertionError(f"the controller did nothing for the Website {_SAMPLE}")

    await eventually(through)
    templates: list[Template] = []
    for kind in await kinds_with(api, WEBSITE.rules, "create"):
        for item in await api.list(kind, namespace):
            if item["metadata"]["name"].startswith(f"{_SAMPLE}-"):
                body = json.dumps(_bare(item)).replace(namespace, "NAMESPACE").replace(_SAMPLE, "NAME")
                templates.append((kind.path("NAMESPACE"), body))
    # What is waited for comes first, as with the controller.
    return sorted(templates, key=lambda template: not template[0].endswith("/deployments"))


def _bare(item: Object) -> Object:
    metadata = {key: item["metadata"][key] for key in _KEPT_METADATA if key in item["metadata"]}
    return {"metadata": metadata, "spec": {key: value for key, value in item["spec"].items() if key not in _CHOSEN}}


def _read(times: Path, suffix: str) -> dict[str, float]:
    rows = (line.split() for line in times.read_text().splitlines())
    return {row[0].removesuffix(suffix): float(row[1]) for row in rows if len(row) == 2}  # noqa: PLR2004  whole lines


def _await(seen: Path, names: Sequence[str]) -> dict[str, float]:
    end = time.monotonic() + _LONGEST
    while True:
        found = _read(seen, "-website")
        missing = [name for name in names if name not in found]
        if not missing:
            return found
        if time.monotonic() > end:
            raise SystemExit(f"{len(missing)} Deployments were never seen, for instance {missing[0]}")
        time.sleep(0.2)

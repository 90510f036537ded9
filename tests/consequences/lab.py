"""Does one edit after the other on a sandbox, and compares what was said with what was seen."""

import copy
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delivery.consequences import Consequence
from delivery.document import Document, document
from delivery.preview import read
from sandbox import controllers
from sandbox.folder import Folder
from sandbox.toolchain import Toolchain
from tests.consequences.observing import Observation, Snapshot, observe, watched_pods
from tests.consequences.rounds import WHOLE, Move
from tests.integration.stack.checkout import Checkout

# Two looks that far apart must agree before an update counts as done.
_CALM_SECONDS = 1.5
_WAIT_SECONDS = 90
_CONTROLLERS = "app.kubernetes.io/part-of=platform,app.kubernetes.io/component=controller"


@dataclass(frozen=True)
class Outcome:
    """What the report said of an edit, and what happened."""

    name: str
    said: Consequence
    observed: Observation
    unverified: str

    @property
    def right(self) -> bool:
        return self.said is self.observed.consequence

    @property
    def wrongly_harmless(self) -> bool:
        return self.said is Consequence.NONE and not self.right


class Lab:
    """A rolled-out stack that edits are tried on."""

    def __init__(self, checkout: Checkout, toolchain: Toolchain) -> None:
        self._checkout = checkout
        self._toolchain = toolchain
        self._settings = checkout.sections()
        self._base = copy.deepcopy(self._settings)
        self._await_calm()

    def run(self, moves: Sequence[Move]) -> list[Outcome]:
        """Do edits of different areas in one update; return what was said and seen of each."""
        for move in moves:
            self._edit(move)
        self._checkout.write(self._settings)
        report = document(read(self._checkout.pulumi("preview", "--json", "--refresh").stdout))
        before, processes = Snapshot.of(self._checkout), self._controllers()
        with watched_pods(self._checkout, self._checkout.folder.parent / "pods.json") as watch:
            self._checkout.up()
            if self._controllers() != processes:
                # In the sandbox they are processes: a rollout of their pods is a restart of these.
                controllers.start(self._folder, self._toolchain)
            self._await_calm()
        after = Snapshot.of(self._checkout)
        least, areas = watch.least_ready(before.pods), {**before.areas, **after.areas}
        return [
            Outcome(
                name=move.name,
                said=_said(report, move.area),
                observed=observe(before.within(move.area, areas), after.within(move.area, areas), least),
                unverified=move.edit.unverified,
            )
            for move in moves
        ]

    def _edit(self, move: Move) -> None:
        edit = move.edit
        for key, value in edit.settings.items():
            _set(self._settings, key, _get(self._base, key) if move.undoes else value)
        if edit.file:
            path, old, new = edit.file if not move.undoes else (edit.file[0], edit.file[2], edit.file[1])
            file = self._checkout.folder / path
            assert old in file.read_text(), f"{old!r} isn't in {path}"
            file.write_text(file.read_text().replace(old, new))

    @property
    def _folder(self) -> Folder:
        return Folder(self._checkout.folder / ".sandbox" / "default", self._checkout.folder)

    def _controllers(self) -> dict[str, Any]:
        """Return what the controllers' Deployments say of their processes."""
        shown = self._checkout.kubectl("get", "deployments", "-A", "-o", "json", "--selector", _CONTROLLERS)
        return {item["metadata"]["uid"]: item["spec"]["template"] for item in json.loads(shown)["items"]}

    def _await_calm(self) -> None:
        """Wait until every workload is rolled out, our controllers have seen all, and nothing moves any more."""
        deadline = time.monotonic() + _WAIT_SECONDS
        earlier: list[tuple[str, str]] = []
        while True:
            now, done = self._state()
            if done and now == earlier:
                return
            assert time.monotonic() < deadline, f"no rest within {_WAIT_SECONDS} s: {now}"
            earlier = now
            time.sleep(_CALM_SECONDS)

    def _state(self) -> tuple[list[tuple[str, str]], bool]:
        kinds = "deployments,statefulsets,pods"
        items = json.loads(self._checkout.kubectl("get", kinds, "--all-namespaces", "-o", "json"))["items"]
        for kind in ("websites", "memcacheds"):
            shown = self._checkout.kubectl("get", kind, "--all-namespaces", "-o", "json", check=False)
            items += json.loads(shown)["items"] if shown.strip() else []
        versions = [(item["metadata"]["uid"], str(item["metadata"].get("generation"))) for item in items]
        return sorted(versions), all(map(_settled, items))


def _said(report: Document, area: str) -> Consequence:
    """Return the worst that the report says of an area's resources."""
    said = [Consequence(each["consequence"]) for each in report["resources"] if area in {WHOLE, each["component"]}]
    return max(said, key=lambda consequence: consequence.severity, default=Consequence.NONE)


def _settled(item: Mapping[str, Any]) -> bool:
    if item["kind"] == "Pod":
        return "deletionTimestamp" not in item["metadata"]
    status, wanted = item.get("status", {}), item["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
    if item["kind"] not in {"Deployment", "StatefulSet"}:
        return seen
    counts = {"replicas", "readyReplicas"}
    if item["spec"].get("updateStrategy") != {"type": "OnDelete"}:
        counts.add("updatedReplicas")
    return seen and {status.get(name, 0) for name in counts} == {wanted}


def _set(settings: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        settings = settings.setdefault(parent, {})
    if value is None:
        settings.pop(last, None)
    else:
        settings[last] = copy.deepcopy(value)


def _get(settings: Mapping[str, Any], key: str) -> Any:
    found: Any = settings
    for part in key.split("."):
        found = found.get(part) if found is not None else None
    return found

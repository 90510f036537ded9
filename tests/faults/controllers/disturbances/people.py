"""People who delete and edit what is the controller's, or leave things in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.controllers import steps
from tests.faults.controllers.calls import is_named_after
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.lab import Lab, eventually
from tests.faults.controllers.registry import disturbance

if TYPE_CHECKING:
    from tests.faults.controllers.api import Object, Resource
    from tests.faults.controllers.states import State

# What somebody may do to a child: fields that the controller sets, by kind.
EDITS: dict[str, Object] = {
    "deployments": {"spec": {"replicas": 7, "template": {"spec": {"automountServiceAccountToken": True}}}},
    "services": {"spec": {"selector": {"app.kubernetes.io/component": "nothing"}}},
    "ingresses": {"spec": {"rules": [{"host": "elsewhere.example.com"}]}},
    "httproutes": {"spec": {"hostnames": ["elsewhere.example.com"]}},
    "networkpolicies": {"spec": {"egress": [], "podSelector": {"matchLabels": {"app.kubernetes.io/component": "x"}}}},
    "poddisruptionbudgets": {"spec": {"maxUnavailable": 7, "minAvailable": None}},
}
FINALIZER = "example.com/keep"


@disturbance()
async def each_child_deleted_by_hand(lab: Lab) -> None:
    ends, wanted = await _begun(lab)
    for kind, child in await _children(lab, ends, "storm"):
        await lab.api.delete(kind, lab.namespace, child["metadata"]["name"])

        async def again(kind: Resource = kind, old: Object = child) -> None:
            new = await lab.api.get(kind, lab.namespace, old["metadata"]["name"])
            assert new["metadata"]["uid"] != old["metadata"]["uid"]

        await eventually(again)
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def each_child_edited_by_hand(lab: Lab) -> None:
    ends, wanted = await _begun(lab)
    for kind, child in await _children(lab, ends, "storm"):
        await lab.api.patch(kind, lab.namespace, child["metadata"]["name"], EDITS[kind.plural])
        await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def each_child_stripped_of_its_labels(lab: Lab) -> None:
    ends, wanted = await _begun(lab)
    for kind, child in await _children(lab, ends, "storm"):
        labels = dict.fromkeys(child["metadata"]["labels"])
        await lab.api.patch(kind, lab.namespace, child["metadata"]["name"], {"metadata": {"labels": labels}})
        await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def each_child_stripped_of_its_owner(lab: Lab) -> None:
    """What has lost its owner is nobody's: it must show, and heal when the leftover goes."""
    ends, wanted = await _begun(lab)
    for kind, child in await _children(lab, ends, "storm"):
        name = child["metadata"]["name"]
        await lab.api.patch(kind, lab.namespace, name, {"metadata": {"ownerReferences": None}})
        await _conflict_shown(lab, name)
        await lab.api.delete(kind, lab.namespace, name)
        await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def ownerless_leftovers(lab: Lab) -> None:
    """Left by a deletion with ``--cascade=orphan``: they aren't the new object's, and stay as they are."""
    ends, wanted = await _begun(lab)
    await lab.api.delete(lab.subject.resource, lab.namespace, "storm", propagationPolicy="Orphan")

    async def orphaned() -> list[tuple[Resource, Object]]:
        left = await _children(lab, ends, "storm")
        assert left
        assert not any(child["metadata"].get("ownerReferences") for _, child in left)
        return left

    left = await eventually(orphaned)
    await steps.create(lab, "storm")
    await _conflict_shown(lab, left[0][1]["metadata"]["name"])
    await lab.controller.rest()
    for kind, child in left:
        now = await lab.api.get(kind, lab.namespace, child["metadata"]["name"])
        assert now["metadata"]["uid"] == child["metadata"]["uid"]
        assert now["spec"] == child["spec"]
        assert not now["metadata"].get("ownerReferences"), f"{kind.plural} was taken over"
        await lab.api.delete(kind, lab.namespace, child["metadata"]["name"])
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def a_child_that_cannot_go(lab: Lab) -> None:
    """Deleted, but kept by somebody's finalizer: the controller waits without hurry, and makes it anew then."""
    ends, wanted = await _begun(lab)
    for kind, child in await _children(lab, ends, "storm"):
        name = child["metadata"]["name"]
        await lab.api.patch(kind, lab.namespace, name, {"metadata": {"finalizers": [FINALIZER]}})
        await lab.api.delete(kind, lab.namespace, name)
        await lab.controller.rest()
        await lab.api.patch(kind, lab.namespace, name, {"metadata": {"finalizers": None}})
        await ends.become("storm", wanted)


async def _begun(lab: Lab) -> tuple[Ends, State]:
    """Start a controller, and let it make an object whole; return how that ends when nothing happens to it."""
    await lab.start()
    ends = await Ends.of(lab)
    wanted = await ends.calm()
    await steps.create(lab, "storm")
    await ends.become("storm", wanted)
    return ends, wanted


async def _conflict_shown(lab: Lab, child: str) -> None:
    async def shown() -> None:
        condition = await lab.condition("storm")
        assert condition["status"] == "False", condition
        assert child in condition["message"], condition

    await eventually(shown)


async def _children(lab: Lab, ends: Ends, name: str) -> list[tuple[Resource, Object]]:
    return [
        (kind, item)
        for kind in ends.resources
        if kind != lab.subject.resource
        for item in await lab.api.list(kind, lab.namespace)
        if is_named_after(item["metadata"]["name"], name)
    ]

"""The largest, the longest and the strangest that the API server takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.faults.controllers import steps
from tests.faults.controllers.api import NAMESPACES, RefusedError
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.registry import disturbance

if TYPE_CHECKING:
    from tests.faults.controllers.lab import Lab

MEGABYTE = 1_000_000
# Line ends of Unicode that JSON allows inside of strings, right-to-left marks, an emoji of several code points.
STRANGE = "Zürich \u2028 \u2029 \u0085 \u202e \ufeff 日本語 👩\u200d💻 \\ \" ' $(HOME) {{ }} %s \x7f"
LONGEST_LABEL = 63


@disturbance()
async def an_object_of_a_megabyte(lab: Lab) -> None:
    """By labels, which alone have no limit of their own."""
    await lab.start()
    ends = await Ends.of(lab)
    wanted = await ends.calm()
    labels = {f"{'p' * 200}.example.com/{number:060}": "v" * LONGEST_LABEL for number in range(1600)}
    body = lab.subject.manifest("huge", lab.subject.smallest)
    body["metadata"]["labels"] = labels
    made = await lab.api.create(lab.subject.resource, lab.namespace, body)
    assert len(json.dumps(made)) > MEGABYTE
    await lab.ready("huge")
    await steps.create(lab, "storm")
    await ends.become("storm", wanted)
    await lab.delete("huge")
    await ends.become("huge", {})


@disturbance()
async def unicode_wherever_it_is_allowed(lab: Lab) -> None:
    await lab.start()
    ends = await Ends.of(lab)
    wanted = await ends.calm()
    body = lab.subject.manifest("strange", lab.subject.named(lab.subject.full, "strange"))
    body["metadata"]["annotations"] = {"example.com/note": STRANGE * 20}
    await lab.api.create(lab.subject.resource, lab.namespace, body)
    await lab.ready("strange")
    for kind in ends.resources:
        for item in await lab.api.list(kind, lab.namespace):
            change = {"metadata": {"annotations": {"example.com/note": STRANGE}}}
            await lab.api.patch(kind, lab.namespace, item["metadata"]["name"], change)
    await steps.create(lab, "storm")
    await ends.become("storm", wanted)
    await ends.settled("strange")


@disturbance()
async def the_longest_legal_names(lab: Lab) -> None:
    """Found by asking: the longest name of an object that the API server takes, in a namespace of the longest name."""
    lab.namespace = f"{lab.namespace}-{'n' * LONGEST_LABEL}"[:LONGEST_LABEL]
    await lab.prepare()
    try:
        await _longest(lab)
    finally:
        await lab.api.delete(NAMESPACES, "", lab.namespace)


async def _longest(lab: Lab) -> None:
    await lab.start()
    ends = await Ends.of(lab)
    wanted = await ends.calm(steps.create_small)
    for length in (253, *range(LONGEST_LABEL, 0, -1)):
        try:
            await lab.create("a" * length, lab.subject.smallest)
        except RefusedError as error:
            assert error.code == 422, error  # noqa: PT017  what it was refused for
        else:
            break
    else:
        raise AssertionError("no name is taken")
    assert length > 40, f"only names of {length} characters are taken"
    await ends.become("a" * length, wanted)
    await ends.stay("a" * length, wanted)

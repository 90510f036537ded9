"""Random specs from the CRD's schema: what is taken must reconcile, what the schema forbids must not be taken."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, cast

import jsonschema
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.faults.controllers import steps
from tests.faults.controllers.api import Object, RefusedError, Resource
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.lab import Lab, eventually
from tests.faults.controllers.registry import disturbance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

SPECS = 200
AT_ONCE = 10
QUOTAS = Resource("", "v1", "resourcequotas")
INVALID = (400, 422)
_JUNK: SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just([]) | st.just({})
)
_ASCII = st.characters(min_codepoint=32, max_codepoint=126)


@disturbance()
async def random_specs_of_the_schema(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    # What counts is what the controller does: thousands of pods would only keep the cluster busy.
    few: Object = {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "20"}}}
    await lab.api.create(QUOTAS, lab.namespace, few)
    schema = lab.subject.crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, spec: object) -> bool:
        async with gate:
            return await _try(lab, f"random-{number:03}", spec, schema)

    specs = _specs(schema, lab.subject.changes)
    taken = sum(await asyncio.gather(*(one(number, spec) for number, spec in enumerate(specs))))
    assert SPECS // 10 < taken < SPECS, f"{taken} of {SPECS} were taken: too few of one sort to tell anything"
    assert controller.alive
    assert "Traceback" not in controller.log(), controller.log()[-2000:]
    await lab.api.delete(QUOTAS, lab.namespace, "few")
    await steps.create(lab, "storm")
    await ends.become("storm", wanted)


async def _try(lab: Lab, name: str, spec: object, schema: Object) -> bool:
    """Create an object, wait until the controller is through with it, and return whether it was taken."""
    try:
        await lab.api.create(lab.subject.resource, lab.namespace, lab.subject.manifest(name, spec))
    except RefusedError as error:
        assert error.code in INVALID, f"{spec}: {error}"  # noqa: PT017
        return False
    jsonschema.validate(_without_null(spec), schema)

    async def reconciled() -> None:
        await lab.condition(name)
        found = await lab.api.get(lab.subject.resource, lab.namespace, name)
        assert found["status"]["observedGeneration"] == found["metadata"]["generation"]

    await eventually(reconciled)
    await lab.delete(name)
    return True


def _without_null(value: object) -> Any:
    """Leave out what the API server takes for absent: null in a field that isn't nullable."""
    if not isinstance(value, dict):
        return value
    fields = cast("Object", value).items()
    return {key: _without_null(each) for key, each in fields if each is not None}


def _specs(schema: Object, good: Mapping[str, Any]) -> list[Any]:
    """Return as many specs as wanted, the same in every run."""
    drawn: list[Any] = []
    every_check: Any = HealthCheck  # an enumeration whose metaclass the type checker doesn't know

    @seed(1)
    @settings(
        max_examples=SPECS,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(every_check),
    )
    @given(_of_object(schema, good))
    def draw(spec: object) -> None:
        drawn.append(spec)

    draw()
    return drawn


def _of_object(schema: Object, good: Mapping[str, Any]) -> SearchStrategy[Any]:
    """Draw objects most of whose fields are good, since one bad field makes the whole invalid."""
    required = set(schema.get("required", []))
    fields = {name: _of_field(each, good.get(name)) for name, each in schema["properties"].items()}
    whole = st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )
    return _mostly(whole, st.dictionaries(st.sampled_from([*fields, "unknown"]), _JUNK, max_size=3) | _JUNK)


def _mostly(good: SearchStrategy[Any], bad: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.integers(0, 19).flatmap(lambda number: good if number else bad)


def _of_field(schema: Object, good: object) -> SearchStrategy[Any]:
    known = st.just(good) if isinstance(good, str) and "NAME" not in good else st.nothing()
    edges = {"string": _of_string, "integer": _of_integer, "boolean": lambda _: st.booleans()}
    if "enum" in schema:
        drawn: SearchStrategy[Any] = st.sampled_from(schema["enum"])
    elif schema.get("type") == "object" and "properties" in schema:
        drawn = _of_object(schema, cast("Mapping[str, Any]", good or {}))
    else:
        drawn = edges.get(schema.get("type", ""), lambda _: _JUNK)(schema)
    return _mostly(known | drawn, _JUNK)


def _of_integer(schema: Object) -> SearchStrategy[int]:
    low, high = schema.get("minimum", 0), schema.get("maximum", 100)
    return st.sampled_from([low, low + 1, 3, high])


def _of_string(schema: Object) -> SearchStrategy[str]:
    """Draw from the patterns of the schema and of its CEL rules."""
    rules = "\n".join(rule["rule"] for rule in schema.get("x-kubernetes-validations", []))
    patterns = [
        *re.findall(r"self\.matches\('([^']+)'\)", rules),
        *([schema["pattern"]] if "pattern" in schema else []),
    ]
    longest = schema.get("maxLength", 63)
    drawn = [st.from_regex(pattern, fullmatch=True, alphabet=_ASCII) for pattern in patterns]
    fitting = [each.filter(lambda text: len(text) <= longest) for each in drawn]
    return st.one_of(fitting) if fitting else st.text(_ASCII, max_size=longest)

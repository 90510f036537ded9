"""Whether an update would do what was reviewed."""

import json
from typing import Any

from delivery.document import Document, document
from delivery.preview import read
from delivery.update import differs
from tests.unit.delivery.previews import an_object, preview, step


def report(*steps: dict[str, Any]) -> Document:
    made = document(read(preview(*steps)))
    # As the reviewed one is read from its file.
    return json.loads(json.dumps(made))


def scaled(to: int, **more: Any) -> dict[str, Any]:
    old, new = (an_object("apps/v1/StatefulSet", {"replicas": count}) for count in (2, to))
    return step("update", old, new, **more)


def test_the_same_change_is_what_was_reviewed() -> None:
    assert list(differs(report(scaled(3)), report(scaled(3, dependencies=["urn:pulumi:dev::platform::x::y"])))) == []


def test_another_value_another_resource_and_a_missing_one_are_not() -> None:
    other = step("delete", an_object("v1/ConfigMap", name="other"), None)
    (line,) = differs(report(scaled(3)), report(scaled(4)))
    assert line.endswith("(spec.replicas)")
    (line,) = differs(report(scaled(3)), report(scaled(3), other))
    assert line.startswith("  not reviewed, to delete: ")
    (line,) = differs(report(scaled(3), other), report(scaled(3)))
    assert line.startswith("  no longer to delete: ")


def test_the_same_fields_by_a_replacement_are_not() -> None:
    replaced = {**scaled(3), "op": "replace"}
    assert len(list(differs(report(scaled(3)), report(replaced)))) == 1


def test_a_report_of_another_stack_is_not() -> None:
    elsewhere = report(scaled(3))
    elsewhere["stack"] = "prod"
    assert next(differs(elsewhere, report(scaled(3)))) == "  the report is of the stack prod, this is dev"

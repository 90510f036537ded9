"""The report for people: it shows everything, or says what it leaves out, and nothing in it can break it."""

import json
import re

from delivery.document import document
from delivery.markdown import LONGEST, markdown
from delivery.preview import read
from tests.unit.delivery.previews import an_object, preview, step, urn


def report_of(*steps: dict[str, object], longest: int = LONGEST) -> str:
    return markdown(document(read(preview(*steps))), longest=longest)


def config_map(name: str, value: str) -> dict[str, object]:
    return an_object("v1/ConfigMap", name=name, data={"file.conf": value})


def test_old_and_new_stand_side_by_side_under_their_component() -> None:
    old, new = (an_object("apps/v1/StatefulSet", {"replicas": n}, name="redis-sfs") for n in (3, 2))
    shown = report_of(step("update", old, new))
    assert "### redis" in shown
    assert "| <code>spec.replicas</code> | <code>3</code> | <code>2</code> | rolling restart |" in shown
    assert "| **rolling restart** | 1 |" in shown


def test_a_changed_file_is_shown_as_a_diff() -> None:
    old, new = config_map("a", "one\ntwo\nthree\n"), config_map("a", "one\n2\nthree\n")
    assert "-two\n+2\n" in report_of(step("update", old, new))


def test_long_values_are_folded_and_their_length_is_said() -> None:
    shown = report_of(step("update", config_map("a", "x" * 5000), config_map("a", "y" * 5000)))
    assert "(5000 characters)" in shown
    assert len(shown) < 2000


def test_what_waits_for_what_is_said() -> None:
    first = step("create", None, an_object("v1/Namespace", name="redis"))
    needs = [urn("kubernetes:v1:Namespace", "redis"), urn("kubernetes:v1:Secret", "unchanged")]
    second = step("create", None, config_map("a", "x"), dependencies=needs)
    assert "After `+ Namespace` <code>redis/redis</code>." in report_of(first, second)


def test_a_protected_resource_is_said_to_hold_the_update_back() -> None:
    gone = step("delete", an_object("v1/Namespace", name="redis"), None, protect=True)
    assert "protected: the update is refused" in report_of(gone)


def test_a_large_change_fits_a_comment_and_counts_what_it_leaves_out() -> None:
    steps = [step("update", config_map(f"c{n}", "a|`\n" * 90), config_map(f"c{n}", "b|`\n" * 90)) for n in range(400)]
    steps.append(step("delete", an_object("v1/Namespace", name="the-gravest"), None))
    shown = report_of(*steps)
    assert len(shown) <= LONGEST
    assert "the-gravest" in shown
    left = re.search(r"\*(\d+) more did not fit", shown)
    assert left
    named = len(re.findall(r"^- `~ ConfigMap`", shown, re.MULTILINE))
    assert named + int(left[1]) == 400


def test_values_can_neither_end_a_cell_nor_a_code_block_nor_add_markup() -> None:
    evil = "</code></details><img src=x> | `x` @everyone\n````\n# not a heading\n"
    shown = report_of(step("update", config_map("a", "one\n"), config_map("a", evil)))
    fences = re.findall(r"^(`{3,})", shown, re.MULTILINE)
    assert fences == ["`````", "`````"]
    outside = re.sub(r"`````diff.*?`````", "", shown, flags=re.DOTALL)
    assert "<img" not in outside
    single = report_of(step("update", config_map("a", "one"), config_map("a", evil.replace("\n", " "))))
    assert "<img" not in single
    (row,) = [line for line in single.splitlines() if "file.conf" in line]
    assert row.count("|") == 5


def test_a_preview_without_a_change_says_so() -> None:
    shown = report_of(step("same", config_map("a", "1"), config_map("a", "1")))
    assert "no change" in shown
    assert "7 resources stay as they are" in shown


def test_the_machine_readable_report_is_json_of_the_same() -> None:
    made = document(read(preview(step("update", config_map("a", "1"), config_map("a", "2")))))
    assert json.loads(json.dumps(made)) == made
    assert (made["worst"], made["summary"]["no effect"], made["unchanged"]) == ("no effect", 1, 7)

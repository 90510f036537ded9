"""The fields in which two objects differ."""

from delivery.changes import ABSENT, Change, differences


def changed(old: object, new: object) -> dict[str, tuple[object, object]]:
    return {change.text: (change.old, change.new) for change in differences(old, new)}


def test_an_inserted_container_is_one_change_and_not_one_of_all_behind_it() -> None:
    old = {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}]}
    new = {
        "containers": [{"name": "new", "image": "z:1"}, {"name": "a", "image": "x:1"}, {"name": "b", "image": "y:2"}]
    }
    assert changed(old, new) == {
        "containers[b].image": ("y:1", "y:2"),
        "containers[new]": (ABSENT, {"name": "new", "image": "z:1"}),
    }


def test_lists_without_names_are_compared_by_position() -> None:
    assert changed({"args": ["a", "b"]}, {"args": ["a", "c", "d"]}) == {
        "args[1]": ("b", "c"),
        "args[2]": (ABSENT, "d"),
    }


def test_a_name_with_a_dot_is_quoted() -> None:
    assert list(changed({"data": {"redis.conf": "a"}}, {"data": {"redis.conf": "b"}})) == ['data["redis.conf"]']


def test_true_is_not_one_and_null_is_not_absent() -> None:
    assert changed({"a": True}, {"a": 1}) == {"a": (True, 1)}
    assert changed({"a": None}, {}) == {"a": (None, ABSENT)}


def test_a_field_that_was_added_whole_has_leaves() -> None:
    change = Change(("spec",), ABSENT, {"pools": [{"name": "p", "uses": ["a"]}], "empty": {}})
    assert {leaf.text: leaf.new for leaf in change.leaves()} == {
        "spec.pools[p].name": "p",
        "spec.pools[p].uses": ["a"],
        "spec.empty": {},
    }

"""A stack that a released version rolled out, previewed by this one: nothing is replaced or deleted unannounced.

`states/<version>.json` is what `pulumi stack export` gave after a rollout of the dev stack by that version, without
the positions in source files. Its secrets are encrypted by a passphrase of no other use, below. `$KUBECONFIG` is the
path of the kubeconfig, by which the provider knows its cluster: another path would be another cluster.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.stack.checkout import Checkout
from tests.upgrade.conftest import Bare

FOLDER = Path(__file__).parent
PASSPHRASE = "throw-away"
CHANGELOG = (FOLDER.parents[1] / "CHANGELOG.md").read_text()
STATES = sorted((FOLDER / "states").glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
EXCEPTIONS: list[dict[str, str]] = yaml.safe_load((FOLDER / "exceptions.yaml").read_text())
KEEPS = {"same", "create", "update", "read", "refresh"}


def objects(checkout: Checkout) -> list[dict[str, Any]]:
    """Return the Kubernetes objects that the stack's state holds, as their program declared them."""
    state = json.loads(checkout.pulumi("stack", "export", "--show-secrets").stdout)
    held = [r for r in state["deployment"]["resources"] if r["type"].startswith("kubernetes:")]
    return [_plain(resource["inputs"]) for resource in held]


def _plain(value: Any) -> Any:
    """Return inputs without the wrappers of secrets."""
    if isinstance(value, dict):
        return json.loads(value["plaintext"]) if "plaintext" in value else {k: _plain(v) for k, v in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def create(checkout: Checkout, made: list[dict[str, Any]]) -> None:
    """Create objects, kinds and namespaces first."""
    first = [each for each in made if each["kind"] in {"Namespace", "CustomResourceDefinition"}]
    for batch in (first, [each for each in made if each not in first]):
        file = checkout.folder / "objects.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": batch}))
        checkout.kubectl("create", "-f", str(file))
        if batch is first:
            checkout.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


@pytest.mark.parametrize("state", STATES, ids=lambda path: path.stem)
def test_an_upgrade_replaces_and_deletes_nothing_but_what_is_announced(bare: Bare, state: Path) -> None:
    stack = bare(PASSPHRASE)
    exported = stack.folder / "state.json"
    exported.write_text(state.read_text().replace("$KUBECONFIG", stack.environment["KUBECONFIG"]))
    stack.pulumi("stack", "import", "--file", str(exported))
    create(stack, objects(stack))
    drastic = [step for step in stack.preview() if step.op not in KEEPS]
    announced = [entry for entry in EXCEPTIONS if entry["from"] == state.stem]
    # A replacement is several steps of one resource.
    found = {(step.urn.split("::")[-2].split("$")[-1], step.name) for step in drastic}
    assert found == {(entry["type"], entry["name"]) for entry in announced}
    deleted = {step.name for step in drastic if step.op == "delete"}
    assert deleted == {entry["name"] for entry in announced if entry["op"] == "delete"}


def test_every_announced_replacement_is_in_the_changelog_with_its_reason() -> None:
    for entry in EXCEPTIONS:
        assert set(entry) == {"from", "op", "type", "name", "reason", "changelog"}
        assert entry["op"] in {"replace", "delete"}
        assert entry["changelog"] in CHANGELOG
        assert entry["from"] in {state.stem for state in STATES}

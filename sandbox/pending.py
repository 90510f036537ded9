"""Settles what a killed update was doing: the state doesn't know whether it was done.

The engine notes each operation before it starts and forgets the note when it has ended. A creation whose note is left
may or may not have happened. Doing it again would fail where the object exists, and importing it would lose what the
program declared of it. So an object that is in the cluster enters the state as the note describes it, and a refresh
then reads it; all other notes go, since a refresh shows what became of those.
"""

from __future__ import annotations

import copy
import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.stack import Stack

State = dict[str, Any]


def settle(stack: Stack) -> bool:
    """Settle the operations of a stack that a killed update left pending; return whether there were any."""
    if not stack.latest().get("pending_operations"):
        return False
    with tempfile.TemporaryDirectory(dir=stack.folder.root) as scratch:
        file = Path(scratch) / "state.json"
        _run(stack, "stack", "export", "--file", str(file))
        file.write_text(json.dumps(settled(json.loads(file.read_text()), lambda inputs: _exists(stack, inputs))))
        _run(stack, "stack", "import", "--file", str(file))
    _run(stack, "refresh", "--yes", "--skip-preview")
    return True


def settled(state: State, exists: Callable[[State], bool]) -> State:
    """Return an exported state without pending operations.

    Args:
        state: what `pulumi stack export` wrote.
        exists: whether the cluster has the object of these inputs.

    """
    result = copy.deepcopy(state)
    deployment = result["deployment"]
    known = {resource["urn"] for resource in deployment["resources"]}
    for operation in deployment.pop("pending_operations"):
        resource = operation["resource"]
        name = _id(resource)
        if operation["type"] == "creating" and name and resource["urn"] not in known and exists(resource["inputs"]):
            deployment["resources"].append({**resource, "id": name, "outputs": resource["inputs"]})
    return result


def _id(resource: State) -> str | None:
    """Return the id of an object of Kubernetes with a fixed name, else None."""
    metadata = resource.get("inputs", {}).get("metadata", {})
    if not resource["type"].startswith("kubernetes:") or "name" not in metadata:
        return None
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))


def _exists(stack: Stack, inputs: State) -> bool:
    group, _, version = inputs["apiVersion"].rpartition("/")
    kind = f"{inputs['kind']}.{version}.{group}" if group else inputs["kind"]
    metadata = inputs["metadata"]
    where = ["-n", metadata["namespace"]] if "namespace" in metadata else []
    command = ["kubectl", "get", kind, metadata["name"], *where]
    return subprocess.run(command, env=stack.environment, capture_output=True, check=False).returncode == 0


def _run(stack: Stack, *arguments: str) -> None:
    command = [stack.folder.bin / "pulumi", "--non-interactive", *arguments]
    run = subprocess.run(
        command, cwd=stack.folder.project, env=stack.environment, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise SandboxError(f"`pulumi {' '.join(arguments[:2])}` failed:\n{run.stdout}{run.stderr}".strip())

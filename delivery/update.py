"""Updates a stack by what was reviewed, and by nothing else."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from delivery.document import VERSION, document
from delivery.errors import DeliveryError
from delivery.preview import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.document import Document, Resource


def preview(*options: str) -> str:
    """Return what `pulumi preview --json` of the selected stack prints; it compares with the cluster as it is."""
    command = ["pulumi", "preview", "--json", "--refresh", "--non-interactive", *options]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def read_report(file: Path) -> Document:
    """Return a report that was written before.

    Raises:
        DeliveryError: the file is no report of this version.

    """
    try:
        found = cast("Document", json.loads(file.read_text()))
        version = found["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeliveryError(f"{file} is no JSON report of `python -m delivery report`: {error}") from error
    if version != VERSION:
        raise DeliveryError(f"{file} is a report of version {version}, allowed is {VERSION}.")
    return found


def update(reviewed: Document) -> int:
    """Preview once more, and update if that shows exactly what was reviewed; return the exit code of the update.

    The engine is given the plan of the second preview, so that nothing can slip in after it either. A plan can't hold
    a replacement whose old resource is deleted after the new one was made (engine 3.259: "delete-replaced is not
    allowed by the plan"). With the plugins in use these are the generated values alone; then the comparison alone
    guards.

    Raises:
        DeliveryError: the preview fails, or shows something else; nothing was changed.

    """
    with tempfile.TemporaryDirectory() as scratch:
        plan = Path(scratch) / "plan.json"
        now = document(read(preview("--save-plan", str(plan))))
        if differing := list(differs(reviewed, now)):
            raise DeliveryError(
                "\n".join(["The update would do other things than were reviewed; nothing was changed:", *differing])
            )
        planned = not any(each["operation"] == "replace" and _made_first(each) for each in now["resources"])
        command = ["pulumi", "up", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        return subprocess.run([*command, *(["--plan", str(plan)] if planned else [])], check=False).returncode


def differs(reviewed: Document, now: Document) -> Iterator[str]:
    """Yield a line for each resource that was reviewed otherwise than it is now."""
    if reviewed["stack"] != now["stack"]:
        yield f"  the report is of the stack {reviewed['stack']}, this is {now['stack']}"
    before = {each["urn"]: each for each in reviewed["resources"]}
    after = {each["urn"]: each for each in now["resources"]}
    for urn in sorted({*before, *after}):
        if urn not in after:
            yield f"  no longer to {before[urn]['operation']}: {urn}"
        elif urn not in before:
            yield f"  not reviewed, to {after[urn]['operation']}: {urn}"
        elif _essence(before[urn]) != _essence(after[urn]):
            paths = sorted({field["path"] for field in [*before[urn]["fields"], *after[urn]["fields"]]})
            yield f"  reviewed otherwise: {urn} ({', '.join(paths) or after[urn]['operation']})"


def _essence(resource: Resource) -> Any:  # noqa: ANN401 - compared, never read
    """Return what must stay: what is done to which fields. The table of consequences may have learnt since."""
    fields = {each["path"]: (each.get("before"), each.get("after")) for each in resource["fields"]}
    return resource["operation"], resource["kind"], resource["object"], fields


def _made_first(resource: Resource) -> bool:
    """Tell whether the new resource is made before the old one goes: fixed names in a cluster forbid that."""
    return resource["kind"].startswith(("random/", "pulumi/"))

"""Makes what `pulumi preview --json` prints, for changes that no sandbox needs to be up for."""

import json
from typing import Any

_PARENT = "platform:redis:Redis"


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::platform::{_PARENT}${token}::{name}"


def step(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """Return one step of a preview; the inputs are those of an object of Kubernetes."""
    inputs = new or old or {}
    token = f"kubernetes:{inputs['apiVersion']}:{inputs['kind']}"
    name = more.pop("name", inputs["metadata"]["name"])
    own = urn(token, name)
    options = {key: more.pop(key) for key in ("protect", "retainOnDelete", "dependencies") if key in more}
    states = {
        side: {"urn": own, "custom": True, "type": token, "inputs": value, **options}
        for side, value in (("oldState", old), ("newState", new))
        if value is not None
    }
    return {"op": op, "urn": own, **states, **more}


def preview(*steps: dict[str, Any], **more: Any) -> str:
    return json.dumps({"steps": steps, "changeSummary": {"same": 7}, **more})


def an_object(kind: str, spec: Any = None, *, name: str = "thing", **more: Any) -> dict[str, Any]:
    """Return an object; ``kind`` is written ``apps/v1/StatefulSet``."""
    version, _, what = kind.rpartition("/")
    body = {"apiVersion": version, "kind": what, "metadata": {"name": name, "namespace": "redis"}, **more}
    return body if spec is None else {**body, "spec": spec}

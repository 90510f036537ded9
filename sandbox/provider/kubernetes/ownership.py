"""Field ownership: who may remove what, in the API server's records.

As the official plugin does, objects are created by a plain create, which fails where there is one already, and changed
by server-side apply. What the create wrote counts as written by hand until it is turned into applied fields; only then
does an apply that leaves a field out remove it. A preview can't do that turning, so a field that its dry-run leaves out
of a freshly created object stays: official-plugin.json records the consequences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.provider.kubernetes.api import ApiError
from sandbox.provider.values import is_map

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties

_CONFLICT: Final = 409
_ATTEMPTS: Final = 5


def take_as_applied(api: Api, path: str, live: Properties, manager: str) -> None:
    """Turn the fields that the manager's create wrote into fields that it applied."""
    for attempt in range(_ATTEMPTS):
        records = _as_applied(live["metadata"].get("managedFields", []), manager)
        if records is None:
            return
        version = live["metadata"]["resourceVersion"]
        try:
            api.patch(
                path,
                [
                    {"op": "test", "path": "/metadata/resourceVersion", "value": version},
                    {"op": "replace", "path": "/metadata/managedFields", "value": records},
                ],
                manager=manager,
            )
        except ApiError:
            live = api.get(path)
            if attempt == _ATTEMPTS - 1 or live["metadata"]["resourceVersion"] == version:
                raise
        else:
            return


def conflicts_only_with(manager: str, error: ApiError) -> bool:
    """Tell whether an apply was refused only for fields that the manager itself once wrote without apply."""
    return bool(error.causes) and all(f'"{manager}"' in cause.get("message", "") for cause in error.causes)


def _as_applied(records: list[Properties], manager: str) -> list[Properties] | None:
    ours = [record for record in records if record["manager"] == manager and "subresource" not in record]
    if all(record["operation"] == "Apply" for record in ours):
        return None
    fields: Properties = {}
    for record in ours:
        fields = _union(fields, record["fieldsV1"])
    others = [record for record in records if record not in ours]
    return [*others, {**ours[-1], "operation": "Apply", "fieldsV1": fields}]


def _union(one: Properties, other: Properties) -> Properties:
    both = {name: _union(one[name], other[name]) for name in one.keys() & other.keys() if is_map(one[name])}
    return {**one, **other, **both}

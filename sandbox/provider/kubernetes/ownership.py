"""Field ownership: who may change and remove what, in the API server's records.

As the official plugin does, objects are created by a plain create, which fails where there is one already, and changed
by server-side apply. What the create wrote counts as written by hand until it is turned into applied fields; only then
does an apply that leaves a field out remove it. A preview can't do that turning, so a field that its dry-run leaves out
of a freshly created object stays: official-plugin.json records the consequences. What was edited with kubectl is taken
over on the same occasion; other managers' fields are theirs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sandbox.provider.kubernetes.api import ApiError
from sandbox.provider.values import is_map

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties

_ATTEMPTS: Final = 5
_CONFLICT_WITH: Final = re.compile(r'conflicts? with "([^"]*)"(?! with subresource)')


def is_ours(manager: str, owner: str) -> bool:
    """Tell whether a manager's fields are ours to take: the resource's own manager, and people with kubectl."""
    return manager == owner or manager.startswith("kubectl")


def never_applied(live: Properties, owner: str) -> bool:
    """Tell whether the owner has written the object by a create only."""
    return any(
        record["manager"] == owner and record["operation"] == "Update" and "subresource" not in record
        for record in live["metadata"].get("managedFields", [])
    )


def conflicts_only_with_ours(error: ApiError, owner: str) -> bool:
    """Tell whether an apply was refused only for fields that are ours to take."""
    messages = [str(cause.get("message", "")) for cause in error.causes]
    managers = [_CONFLICT_WITH.match(message) for message in messages]
    return bool(managers) and all(found and is_ours(found[1], owner) for found in managers)


def take_as_applied(api: Api, path: str, live: Properties, owner: str) -> None:
    """Turn the fields that are ours to take into fields that the owner applied."""
    for attempt in range(_ATTEMPTS):
        records = _as_applied(live["metadata"].get("managedFields", []), owner)
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
                manager=owner,
            )
        except ApiError:
            live = api.get(path)
            if attempt == _ATTEMPTS - 1 or live["metadata"]["resourceVersion"] == version:
                raise
        else:
            return


def _as_applied(records: list[Properties], owner: str) -> list[Properties] | None:
    ours = [record for record in records if is_ours(record["manager"], owner) and "subresource" not in record]
    if all(record["manager"] == owner and record["operation"] == "Apply" for record in ours):
        return None
    fields: Properties = {}
    for record in ours:
        fields = _union(fields, record["fieldsV1"])
    others = [record for record in records if record not in ours]
    return [*others, {**ours[0], "manager": owner, "operation": "Apply", "fieldsV1": fields}]


def _union(one: Properties, other: Properties) -> Properties:
    both = {name: _union(one[name], other[name]) for name in one.keys() & other.keys() if is_map(one[name])}
    return {**one, **other, **both}

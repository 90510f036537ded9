"""Who may do what at the API server."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _DOWNTIME, _REPLACEMENT = Consequence.NONE, Consequence.DOWNTIME, Consequence.REPLACEMENT

_WHOLE: Final = (
    Rule("+", _NONE, "Somebody may do more.", sources.RBAC),
    Rule("-", _DOWNTIME, "Who relied on it is refused at once.", sources.RBAC),
    Rule("±", _REPLACEMENT, "Who relies on it is refused for a moment.", sources.RBAC),
)

_ROLE: Final = (
    *_WHOLE,
    Rule("rules.**", _NONE, "Somebody may do more.", sources.RBAC, when.added),
    Rule("rules.**", _DOWNTIME, "Who relied on a right that goes is refused at once.", sources.RBAC),
)

_BINDING: Final = (
    *_WHOLE,
    Rule("subjects.**", _NONE, "Somebody may do more.", sources.RBAC, when.added),
    Rule("subjects.**", _DOWNTIME, "Who is no longer named is refused at once.", sources.RBAC),
)

ACCESS: Final = {
    "rbac.authorization.k8s.io/Role": Kind(_ROLE),
    "rbac.authorization.k8s.io/ClusterRole": Kind(_ROLE),
    "rbac.authorization.k8s.io/RoleBinding": Kind(_BINDING),
    "rbac.authorization.k8s.io/ClusterRoleBinding": Kind(_BINDING),
}

"""Passwords that the operator changes by itself, and those that it leaves alone."""

from collections.abc import Collection, Iterator
from typing import Annotated, NotRequired, TypedDict

from pydantic import Field

from components.fields import Model
from components.problems import Problem

# Logins that the operator makes itself and changes on demand only.
SYSTEM_USERS = ("standby", "pooler")
# The operator's defaults in days (`pkg/util/config/config.go`, 1.15.1).
_INTERVAL, _RETENTION = 90, 180
_NO_OWNER = "no owner of a database: what another login makes would not be the owner's"
_Users = Annotated[tuple[str, ...], Field(strict=False)]


class UserRotationSettings(Model):
    """Whose passwords the operator changes in one cluster.

    A user changed *by another login* gets a new name and password in the Secret; the last login stays valid, so nobody
    is locked out. One changed *in place* keeps the name, and the last password ends at once.
    """

    users: _Users = ()
    """Those changed by another login."""
    in_place_users: _Users = ()
    """Those changed in place: ``users``, or ``standby`` and ``pooler``, whose pods are then replaced."""
    ignored_users: _Users = ()
    """Those left alone in spite of ``allUsers``."""

    def problems_among(self, users: Collection[str], owners: Collection[str]) -> Iterator[Problem]:
        """Yield what is wrong with the fields, where these users and owners of databases are declared."""
        yield from (Problem("users", user, _NO_OWNER) for user in self.users if user in owners)
        both = (user for user in self.in_place_users if user in self.users)
        yield from (Problem("inPlaceUsers", user, "a user that is not in users too") for user in both)
        for key, named, known in (
            ("users", self.users, users),
            ("inPlaceUsers", self.in_place_users, (*users, *SYSTEM_USERS)),
            ("ignoredUsers", self.ignored_users, users),
        ):
            yield from (Problem(key, user, f"one of {', '.join(known)}") for user in named if user not in known)


class PasswordRotationSettings(UserRotationSettings):
    """How the operator changes passwords: of the main cluster's users, and when, which counts for all clusters."""

    all_users: bool = False
    """Change all of ``users`` by another login, but for owners of databases; only with ``operator: chart``."""
    interval: int = Field(default=_INTERVAL, ge=1)
    """Days between two changes; with ``operator: existing`` what that operator is configured with."""
    retention: int = Field(default=_RETENTION, ge=2)
    """Days that a login of a user is kept; two intervals or more. With ``operator: existing`` as ``interval``."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        if self.retention < 2 * self.interval:
            allowed = f"{2 * self.interval} or more, two intervals: a login must outlive the next one's beginning"
            yield Problem("retention", self.retention, allowed)


class RotationSpec(TypedDict):
    """Users of ``postgresql`` by how their passwords change."""

    usersWithSecretRotation: NotRequired[list[str]]
    usersWithInPlaceSecretRotation: NotRequired[list[str]]
    usersIgnoringSecretRotation: NotRequired[list[str]]


def rotation_spec(settings: UserRotationSettings | None) -> RotationSpec:
    """Return the fields of those lists that have a user in them."""
    spec: RotationSpec = {}
    if settings and settings.users:
        spec["usersWithSecretRotation"] = list(settings.users)
    if settings and settings.in_place_users:
        spec["usersWithInPlaceSecretRotation"] = list(settings.in_place_users)
    if settings and settings.ignored_users:
        spec["usersIgnoringSecretRotation"] = list(settings.ignored_users)
    return spec


class RotationValues(TypedDict, total=False):
    """Part of ``configUsers`` of the chart; days."""

    enable_password_rotation: bool
    password_rotation_interval: int
    password_rotation_user_retention: int


def rotation_values(settings: PasswordRotationSettings) -> RotationValues:
    """Return the operator's own configuration."""
    return {
        "enable_password_rotation": settings.all_users,
        "password_rotation_interval": settings.interval,
        "password_rotation_user_retention": settings.retention,
    }

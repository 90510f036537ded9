"""Passwords of Redis' users: generated, and always three of each, so that changing them interrupts nobody."""

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_random import RandomPassword

from components.base import Component
from components.redis.names import NAME

# Keys of the Secret; `password` is that of the user `app`, under the name that clients know.
KEYS = ("password", "replication", "sentinel", "monitor")
LENGTH = 32


def declare_passwords(
    component: Component, namespace: str, version: int, *, depends_on: list[pulumi.Resource]
) -> Secret:
    """Declare the Secret with the passwords of this version, of the next and of the one before.

    Servers accept all three and use the current one. So a pod that is a version behind, or ahead, is understood.
    """
    data: dict[str, pulumi.Input[str]] = {}
    for suffix, number in (("-previous", version - 1), ("", version), ("-next", version + 1)):
        drawn = RandomPassword(
            f"passwords-{number}",
            length=LENGTH * len(KEYS),
            # Letters and digits: passwords stand in configuration files and connection URLs.
            special=False,
            opts=component.child(),
        ).result
        for position, key in enumerate(KEYS):
            data[f"{key}{suffix}"] = _part(drawn, position)
    return Secret(
        # As in 0.1.0: under another name an update would make the same Secret twice, then delete it.
        "password",
        metadata=component.metadata(NAME, namespace, component="passwords"),
        string_data=data,
        opts=component.child(depends_on=depends_on),
    )


def _part(drawn: pulumi.Output[str], position: int) -> pulumi.Output[str]:
    return drawn.apply(lambda text: text[position * LENGTH : (position + 1) * LENGTH])

"""Credentials of the platform, in a Secret of the shop's own namespace."""

from collections.abc import Mapping
from typing import NamedTuple

import pulumi
from platform_exports import CredentialsSecret, PasswordSecret
from pulumi_kubernetes.core.v1 import Secret


class Bound(NamedTuple):
    """A Secret of the shop's, and the version of the one it was taken from."""

    secret: Secret
    version: pulumi.Output[str]


def bind(
    name: str,
    source: CredentialsSecret | PasswordSecret,
    keys: Mapping[str, pulumi.Output[str]],
    *,
    namespace: str,
    parent: pulumi.Resource,
) -> Bound:
    """Declare a Secret with some keys of one of the platform's Secrets, which is read anew by every update.

    Args:
        name: of the Secret in the namespace.
        source: the Secret to read; the account that deploys needs the right to get it.
        keys: the new Secret's keys, each with the key that it has in the source.
        namespace: where the Secret is wanted.
        parent: the component that it belongs to.

    """
    options = pulumi.ResourceOptions(parent=parent)
    theirs = Secret.get(f"platform-{name}", source.id, opts=options)
    data = {key: pulumi.Output.all(theirs.data, original).apply(_value) for key, original in keys.items()}
    secret = Secret(
        name,
        metadata={"name": name, "namespace": namespace},
        data=pulumi.Output.secret(data),
        opts=options,
    )
    return Bound(secret, theirs.metadata.apply(lambda metadata: str(metadata.resource_version)))


def _value(found: list[object]) -> str:
    data, key = found
    if not isinstance(data, Mapping) or key not in data:
        raise pulumi.RunError(f"the platform's Secret has no key '{key}'")
    return str(data[key])  # pyright: ignore[reportUnknownArgumentType]

"""What rules look at: one declared object, and what they find wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Properties = Mapping[str, Any]
CONTROLLERS_OF_PODS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job"})


@dataclass(frozen=True)
class Object:
    """A Kubernetes object as a program declares it.

    Values that aren't known yet raise the policy SDK's own error when they are read: the engine then says that the rule
    can't be judged before the update.
    """

    urn: str
    properties: Properties
    protect: bool = False

    @property
    def kind(self) -> str:
        """The object's kind, empty for what is no Kubernetes object."""
        return str(self.properties.get("kind", ""))

    @property
    def metadata(self) -> Properties:
        """The object's metadata."""
        return self.properties.get("metadata", {})

    @property
    def name(self) -> str:
        """The object's physical name."""
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        """The object's namespace, empty for what has none."""
        return str(self.metadata.get("namespace", ""))

    @property
    def subject(self) -> str:
        """What messages and exceptions call the object."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def spec(self) -> Properties:
        """The object's spec."""
        return self.properties.get("spec", {})

    @property
    def environment(self) -> str:
        """The environment of the stack that declares it: the stack's name up to the first '-', as in prod-eu."""
        return self.urn.split(":")[2].partition("-")[0]

    @property
    def published(self) -> bool:
        """Whether a publisher's chart made the object, whose fields aren't ours to write."""
        return "kubernetes:helm.sh/v4:Chart$" in self.urn

    @property
    def template(self) -> Properties | None:
        """The template of the object's pods, None where it has none; a Pod is its own."""
        if self.kind == "CronJob":
            return self.spec["jobTemplate"]["spec"]["template"]
        if self.kind == "Pod":
            return self.properties
        return self.spec["template"] if self.kind in CONTROLLERS_OF_PODS else None

    def containers(self, *lists: str) -> Iterator[Properties]:
        """Yield the containers of the object's pods; `lists` are the pod's keys, by default all of them."""
        pod: Properties = self.template["spec"] if self.template else {}
        for key in lists or ("initContainers", "containers"):
            yield from pod.get(key, ())


@dataclass(frozen=True)
class Violation:
    """What is wrong with one object."""

    urn: str
    subject: str
    """What an exception names: the object, or the image."""
    message: str
    """The value and what is allowed."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


Options = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """One rule of the pack; `check` gets all objects of the stack, or with `alone` each by itself."""

    name: str
    description: str
    check: Callable[[Sequence[Object], Options], Iterable[Violation]]
    alone: bool = True
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Schema of the options that an environment gives it."""


def each(check: Callable[[Object], Iterable[str]]) -> Callable[[Sequence[Object], Options], Iterator[Violation]]:
    """Make a check of a rule out of one that yields what is wrong with a single object."""

    def checked(objects: Sequence[Object], _: Options) -> Iterator[Violation]:
        for declared in objects:
            yield from (Violation(declared.urn, declared.subject, message) for message in check(declared))

    return checked

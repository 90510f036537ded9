"""Speaks the plugin protocol to a stand-in directly, where the engine would only be slower."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2
from workbench import Body, token

from sandbox.provider.errors import DETAILS_KEY
from sandbox.provider.values import decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

PROJECT = "urn:pulumi:test::workbench::"


@dataclass
class Failure(Exception):  # noqa: N818 - it is an answer to look at
    """What the plugin answered instead of a result, and what it wants kept nevertheless."""

    message: str
    object_id: str = ""
    properties: Body = field(default_factory=dict)


@dataclass
class Kept:
    """A resource as the engine would keep it."""

    urn: str
    kind: str
    object_id: str
    inputs: Body
    outputs: Body


class Plugin:
    """A running stand-in."""

    def __init__(self, module: str, settings: Body) -> None:
        command = [sys.executable, "-m", f"sandbox.provider.{module}", "0.0.0", "127.0.0.1:1"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._process.stdout.readline().strip()}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self._call(self.stub.Configure, provider_pb2.ConfigureRequest(args=encode(settings)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._process.terminate()
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def check_config(self, settings: Body) -> Body:
        """Return the checked configuration; raises Failure when it is refused."""
        answer = self._call(self.stub.CheckConfig, provider_pb2.CheckRequest(news=encode(settings)))
        if answer.failures:
            raise Failure("; ".join(f"{failure.property}: {failure.reason}" for failure in answer.failures))
        return decode(answer.inputs)

    def diff_config(self, old: Body, new: Body) -> provider_pb2.DiffResponse:
        """Return the difference between two configurations."""
        request = provider_pb2.DiffRequest(old_inputs=encode(old), news=encode(new))
        return self._call(self.stub.DiffConfig, request)

    def check(self, kind: str, name: str, inputs: Body, old: Body | None = None) -> Body:
        """Return the checked inputs; raises Failure when they are refused."""
        request = provider_pb2.CheckRequest(
            urn=f"{PROJECT}{kind}::{name}",
            type=kind,
            name=name,
            olds=encode(old or {}),
            news=encode(inputs),
            randomSeed=name.encode(),
        )
        answer = self._call(self.stub.Check, request)
        if answer.failures:
            raise Failure("; ".join(f"{failure.property}: {failure.reason}" for failure in answer.failures))
        return decode(answer.inputs)

    def create(self, body: Body, *, kind: str = "", seconds: float = 0, preview: bool = False) -> Kept:
        """Check and create a resource."""
        kind = kind or token(body)
        inputs = self.check(kind, "one", body)
        urn = f"{PROJECT}{kind}::one"
        request = provider_pb2.CreateRequest(
            urn=urn, type=kind, name="one", properties=encode(inputs), timeout=seconds, preview=preview
        )
        answer = self._call(self.stub.Create, request)
        return Kept(urn, kind, answer.id, inputs, decode(answer.properties))

    def diff(self, kept: Kept, body: Body) -> provider_pb2.DiffResponse:
        """Return the difference to new inputs."""
        inputs = self.check(kept.kind, "one", body, kept.inputs)
        request = provider_pb2.DiffRequest(
            id=kept.object_id,
            urn=kept.urn,
            type=kept.kind,
            olds=encode(kept.outputs),
            old_inputs=encode(kept.inputs),
            news=encode(inputs),
        )
        return self._call(self.stub.Diff, request)

    def update(
        self,
        kept: Kept,
        body: Body,
        *,
        seconds: float = 0,
        preview: bool = False,
        ignored: Sequence[str] = (),
    ) -> Kept:
        """Change a resource; the engine replaces ignored inputs by the old ones, which is up to the caller here."""
        inputs = self.check(kept.kind, "one", body, kept.inputs)
        request = provider_pb2.UpdateRequest(
            id=kept.object_id,
            urn=kept.urn,
            type=kept.kind,
            olds=encode(kept.outputs),
            old_inputs=encode(kept.inputs),
            news=encode(inputs),
            timeout=seconds,
            preview=preview,
            ignoreChanges=ignored,
        )
        answer = self._call(self.stub.Update, request)
        return Kept(kept.urn, kept.kind, kept.object_id, inputs, decode(answer.properties))

    def read(self, kept: Kept) -> Kept | None:
        """Read a resource back, None if it is gone."""
        request = provider_pb2.ReadRequest(
            id=kept.object_id,
            urn=kept.urn,
            type=kept.kind,
            properties=encode(kept.outputs),
            inputs=encode(kept.inputs),
        )
        answer = self._call(self.stub.Read, request)
        if not answer.id:
            return None
        return Kept(kept.urn, kept.kind, answer.id, decode(answer.inputs), decode(answer.properties))

    def delete(self, kept: Kept, seconds: float = 0) -> None:
        """Delete a resource."""
        request = provider_pb2.DeleteRequest(
            id=kept.object_id,
            urn=kept.urn,
            type=kept.kind,
            properties=encode(kept.outputs),
            old_inputs=encode(kept.inputs),
            timeout=seconds,
        )
        self._call(self.stub.Delete, request)

    def invoke(self, function: str) -> None:
        """Call a function."""
        self._call(self.stub.Invoke, provider_pb2.InvokeRequest(tok=function))

    def construct(self, kind: str) -> None:
        """Make a component."""
        self._call(self.stub.Construct, provider_pb2.ConstructRequest(type=kind, name="one"))

    def cancel(self) -> None:
        """Ask for an end to all waiting."""
        self.stub.Cancel(Empty())

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=60)
        except grpc.RpcError as error:
            raise _failure(error) from error


def _failure(error: Any) -> Failure:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            status = status_pb2.Status.FromString(value)
            detail = provider_pb2.ErrorResourceInitFailed()
            status.details[0].Unpack(detail)
            return Failure(error.details(), detail.id, decode(detail.properties))
    return Failure(error.details())

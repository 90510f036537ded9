"""Failures that a provider reports to the engine, and how they travel over gRPC."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.provider.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.provider.values import Properties

Method = TypeVar("Method", bound="Callable[..., object]")

DETAILS_KEY: Final = "grpc-status-details-bin"


class ProviderError(Exception):
    """The operation failed and changed nothing."""


class PartialFailureError(ProviderError):
    """The object exists but isn't what it should be; the engine keeps it and tries again with the next update."""

    def __init__(
        self, message: str, *, object_id: str, properties: Properties, inputs: Properties | None = None
    ) -> None:
        """Describe the object as it is; `inputs` only where the engine doesn't know them (when reading)."""
        super().__init__(message)
        self.object_id = object_id
        self.properties = properties
        self.inputs = inputs

    def detail(self) -> provider_pb2.ErrorResourceInitFailed:
        """Return what the engine needs in order to keep the object in its state."""
        return provider_pb2.ErrorResourceInitFailed(
            id=self.object_id,
            properties=encode(self.properties),
            reasons=[str(self)],
            inputs=None if self.inputs is None else encode(self.inputs),
        )


def reported(method: Method) -> Method:
    """Turn the failures of a servicer's method into the statuses that the engine understands."""

    @functools.wraps(method)
    def answer(servicer: object, request: object, context: grpc.ServicerContext) -> object:
        try:
            return method(servicer, request, context)
        except PartialFailureError as failure:
            _abort_with_detail(context, failure)
        except (ProviderError, ValueError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return cast("Method", answer)


def _abort_with_detail(context: grpc.ServicerContext, failure: PartialFailureError) -> NoReturn:
    detail = AnyMessage()
    detail.Pack(failure.detail())
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failure))
    status.details.append(detail)
    context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(failure))

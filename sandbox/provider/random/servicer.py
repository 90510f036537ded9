"""The plugin protocol's verbs for random values, which live in the engine's state only."""

# ruff: noqa: N802, ARG002 - the protocol gives the methods their names and arguments

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.provider_pb2 import DiffResponse, PropertyDiff

from sandbox.provider.errors import ProviderError, reported
from sandbox.provider.random.resources import KINDS, SECRET_OUTPUTS
from sandbox.provider.values import UNKNOWN, Secret, decode, encode, has_unknown, mark_secrets, reveal

if TYPE_CHECKING:
    from grpc import ServicerContext

    from sandbox.provider.random.resources import Kind
    from sandbox.provider.values import Properties


class RandomProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine. A changed input means a new value, as with the official plugin."""

    def __init__(self, version: str) -> None:
        self._version = version

    def GetPluginInfo(self, request: Empty, context: ServicerContext) -> plugin_pb2.PluginInfo:
        """Return the version of the official plugin whose place this one takes."""
        return plugin_pb2.PluginInfo(version=self._version)

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on the protocol: secrets come and go wrapped."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: ServicerContext) -> provider_pb2.CheckResponse:
        """Accept: there is nothing to configure."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: ServicerContext) -> DiffResponse:
        """No configuration, no difference."""
        return DiffResponse(changes=DiffResponse.DIFF_NONE)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Agree on the protocol."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @reported
    def Check(self, request: provider_pb2.CheckRequest, context: ServicerContext) -> provider_pb2.CheckResponse:
        """Refuse inputs that no value could satisfy."""
        kind = _kind(request.type)
        inputs: Properties = reveal(decode(request.news))
        faults = [
            (name, f"unknown input; known are {', '.join(sorted(kind.inputs))}") for name in inputs.keys() - kind.inputs
        ]
        if not has_unknown({name: value for name, value in inputs.items() if name != "keepers"}):
            faults += kind.find_faults(inputs)
        failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in faults]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @reported
    def Diff(self, request: provider_pb2.DiffRequest, context: ServicerContext) -> DiffResponse:
        """Replace the value when any input changed; spelling out a default is no change."""
        kind = _kind(request.type)
        old: Properties = kind.complete(reveal(decode(request.old_inputs)))
        new: Properties = kind.complete(reveal(decode(request.news)))
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        details = {name: PropertyDiff(kind=_change(name, old, new), inputDiff=True) for name in changed}
        return DiffResponse(
            changes=DiffResponse.DIFF_SOME if changed else DiffResponse.DIFF_NONE,
            replaces=changed,
            detailedDiff=details,
            hasDetailedDiff=True,
        )

    @reported
    def Create(self, request: provider_pb2.CreateRequest, context: ServicerContext) -> provider_pb2.CreateResponse:
        """Make a value; a preview only says that there will be one."""
        kind = _kind(request.type)
        inputs = decode(request.properties)
        completed: Properties = mark_secrets(kind.complete(reveal(inputs)), inputs)
        if request.preview:
            hidden = SECRET_OUTPUTS.get(request.type, ())
            coming = {name: Secret(UNKNOWN) if name in hidden else UNKNOWN for name in kind.outputs}
            return provider_pb2.CreateResponse(properties=encode({**completed, **coming}))
        made = kind.make(reveal(completed))
        return provider_pb2.CreateResponse(
            id=made.object_id, properties=encode({**completed, **made.values, "id": made.object_id})
        )

    @reported
    def Read(self, request: provider_pb2.ReadRequest, context: ServicerContext) -> provider_pb2.ReadResponse:
        """Return what the state holds, or take a value over: its id is then the value itself."""
        kind = _kind(request.type)
        if request.properties.fields:
            return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        made, inputs = kind.adopt(request.id)
        return provider_pb2.ReadResponse(
            id=made.object_id,
            properties=encode({**kind.complete(inputs), **made.values}),
            inputs=encode(inputs),
        )

    @reported
    def Update(self, request: provider_pb2.UpdateRequest, context: ServicerContext) -> provider_pb2.UpdateResponse:
        """Refuse: every change is a replacement."""
        raise ProviderError(f"{request.type} can't be updated in place")

    def Delete(self, request: provider_pb2.DeleteRequest, context: ServicerContext) -> Empty:
        """Forget the value."""
        return Empty()

    @reported
    def Invoke(self, request: provider_pb2.InvokeRequest, context: ServicerContext) -> provider_pb2.InvokeResponse:
        """Refuse: the plugin has no functions."""
        raise ProviderError(f"{request.tok} isn't a function of the random plugin")

    def Cancel(self, request: Empty, context: ServicerContext) -> Empty:
        """Nothing takes long enough to be cancelled."""
        return Empty()


def _kind(token: str) -> Kind:
    if token not in KINDS:
        raise ProviderError(
            f"{token} isn't supported by the sandbox's stand-in for the random plugin, which knows {', '.join(KINDS)};"
            " install the official plugin: pulumi plugin install resource random"
        )
    return KINDS[token]


def _change(name: str, old: Properties, new: Properties) -> PropertyDiff.Kind.ValueType:
    if name not in old:
        return PropertyDiff.Kind.ADD_REPLACE
    return PropertyDiff.Kind.UPDATE_REPLACE if name in new else PropertyDiff.Kind.DELETE_REPLACE

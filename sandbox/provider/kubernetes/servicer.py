"""The plugin protocol's verbs for Kubernetes objects."""

# ruff: noqa: N802, ARG002 - the protocol gives the methods their names and arguments

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.provider.errors import PartialFailureError, ProviderError, reported
from sandbox.provider.kubernetes import creating, deleting, provider_diff, reading, updating
from sandbox.provider.kubernetes.api import ApiError
from sandbox.provider.kubernetes.declared import complete, require_supported, unsupported
from sandbox.provider.kubernetes.diff import diff
from sandbox.provider.kubernetes.session import Session
from sandbox.provider.kubernetes.settings import Settings, find_faults
from sandbox.provider.values import decode, encode

if TYPE_CHECKING:
    from grpc import ServicerContext

    from sandbox.provider.engine import Engine

_UNREACHABLE = 0


class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine. Once configured, every method may be called from many threads at once."""

    def __init__(self, engine: Engine, version: str) -> None:
        self._engine = engine
        self._version = version
        self._configured: Session | None = None

    @property
    def _session(self) -> Session:
        if self._configured is None:
            raise ProviderError("the Kubernetes provider was used before it was configured")
        return self._configured

    def GetPluginInfo(self, request: Empty, context: ServicerContext) -> plugin_pb2.PluginInfo:
        """Return the version of the official plugin whose place this one takes."""
        return plugin_pb2.PluginInfo(version=self._version)

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on the protocol: secrets come and go wrapped."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: ServicerContext) -> provider_pb2.CheckResponse:
        """Refuse configuration that the stand-in doesn't know or can't honour."""
        failures = [
            provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in find_faults(decode(request.news))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @reported
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: ServicerContext) -> provider_pb2.DiffResponse:
        """Tell whether changed configuration means another cluster, whose objects must be made anew."""
        changed, replacing = provider_diff.compare(decode(request.old_inputs), decode(request.news))
        kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=kind, diffs=changed, replaces=replacing)

    @reported
    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Take the configuration; the cluster itself is contacted when the first operation needs it."""
        settings = Settings.parse(decode(request.args))
        self._configured = Session(settings, self._warn)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @reported
    def Check(self, request: provider_pb2.CheckRequest, context: ServicerContext) -> provider_pb2.CheckResponse:
        """Complete a resource's inputs."""
        old, new = decode(request.olds), decode(request.news)
        inputs = complete(request.type, request.name, old, new, seed=request.randomSeed, session=self._session)
        return provider_pb2.CheckResponse(inputs=encode(inputs))

    @reported
    def Diff(self, request: provider_pb2.DiffRequest, context: ServicerContext) -> provider_pb2.DiffResponse:
        """Compare old inputs with new ones."""
        if request.old_inputs == request.news:  # the common case, decided without taking them apart
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE, hasDetailedDiff=True)
        return diff(decode(request.old_inputs), decode(request.news), self._session.settings)

    @reported
    def Create(self, request: provider_pb2.CreateRequest, context: ServicerContext) -> provider_pb2.CreateResponse:
        """Create an object, or say what it would become."""
        inputs = decode(request.properties)
        if request.preview:
            properties = creating.preview(self._session, request.urn, inputs)
            return provider_pb2.CreateResponse(properties=encode(properties))
        kept = creating.create(self._session, request.urn, inputs, request.timeout)
        return provider_pb2.CreateResponse(id=kept.object_id, properties=encode(kept.properties))

    @reported
    def Update(self, request: provider_pb2.UpdateRequest, context: ServicerContext) -> provider_pb2.UpdateResponse:
        """Change an object, or say what it would become."""
        old, inputs = decode(request.olds), decode(request.news)
        ignored = tuple(request.ignoreChanges)
        if request.preview:
            properties = updating.preview(self._session, request.urn, old, inputs, ignored=ignored)
        else:
            kept = updating.update(self._session, request.urn, old, inputs, ignored=ignored, seconds=request.timeout)
            properties = kept.properties
        return provider_pb2.UpdateResponse(properties=encode(properties))

    @reported
    def Read(self, request: provider_pb2.ReadRequest, context: ServicerContext) -> provider_pb2.ReadResponse:
        """Read an object; an answer without an id says that it is gone."""
        require_supported(request.type)
        try:
            found = self._read(request)
        except PartialFailureError:
            raise
        except ApiError as error:
            self._require_deletable(error)
            found = None
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found.kept.object_id, properties=encode(found.kept.properties), inputs=encode(found.inputs)
        )

    @reported
    def Delete(self, request: provider_pb2.DeleteRequest, context: ServicerContext) -> Empty:
        """Delete an object."""
        inputs = decode(request.old_inputs) or decode(request.properties)
        try:
            deleting.delete(self._session, request.id, inputs, request.timeout)
        except ApiError as error:
            self._require_deletable(error)
        return Empty()

    @reported
    def Invoke(self, request: provider_pb2.InvokeRequest, context: ServicerContext) -> provider_pb2.InvokeResponse:
        """Refuse: functions render manifests, which only the official plugin does."""
        raise unsupported(request.tok)

    @reported
    def Construct(
        self, request: provider_pb2.ConstructRequest, context: ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """Make a Helm chart; the other component types are folders and files, which only the official plugin knows."""
        from sandbox.provider.kubernetes import chart  # noqa: PLC0415 - most stacks have no chart

        return chart.construct(self._session, self._engine, request, self._version)

    def Cancel(self, request: Empty, context: ServicerContext) -> Empty:
        """End all waiting at once; what was made is kept and waited for again by the next update."""
        if self._configured is not None:
            self._configured.cancelled.set()
        return Empty()

    def _warn(self, message: str) -> None:
        if not self._session.settings.suppress_warnings:
            self._engine.warn(message)

    def _read(self, request: provider_pb2.ReadRequest) -> reading.Found | None:
        inputs = decode(request.inputs)
        if not inputs:
            return reading.adopt(self._session, request.urn, request.id, request.type)
        return reading.refresh(self._session, request.urn, request.id, decode(request.properties), inputs)

    def _require_deletable(self, error: ApiError) -> None:
        """Let an error pass for which the user wants to forget the cluster's objects: the cluster is gone."""
        if error.code != _UNREACHABLE or not self._session.settings.delete_unreachable:
            raise error

"""Registers a chart's objects with the engine, which then has this same plugin make them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import grpc
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes.api import NoSuchKindError
from sandbox.provider.kubernetes.objects import hide_content
from sandbox.provider.kubernetes.steering import SKIP_AWAIT
from sandbox.provider.server import MAX_MESSAGE_BYTES
from sandbox.provider.values import ResourceReference, encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi.runtime.proto.provider_pb2 import ConstructRequest, ConstructResponse
    from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest, RegisterResourceResponse

    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.kubernetes.chart.arguments import ChartArguments
    from sandbox.provider.values import Properties

_PACKAGE: Final = "kubernetes"
_DEPENDS_ON: Final = "config.kubernetes.io/depends-on"
_RESOURCE_POLICY: Final = "helm.sh/resource-policy"


class Object(NamedTuple):
    """One object of a chart."""

    body: Properties
    namespace: str
    """As the chart has it, or the chart's own; part of the resource's name."""

    @property
    def kind(self) -> tuple[str, str]:
        """Group and kind."""
        return str(self.body["apiVersion"]).rpartition("/")[0], str(self.body["kind"])

    @property
    def name(self) -> str:
        """The object's own name."""
        return str(self.body["metadata"]["name"])

    @property
    def qualified_name(self) -> str:
        """Its name behind its namespace, if it has one."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def provides(self) -> tuple[str, str] | str | None:
        """Return what others may need of it: the kind that a CRD defines, or the name of a Namespace."""
        if self.kind == ("apiextensions.k8s.io", "CustomResourceDefinition"):
            return _defined_kind(self.body)
        return self.name if self.kind == ("", "Namespace") else None


def normalized(bodies: Iterable[Properties], arguments: ChartArguments, api: Api) -> list[Object]:
    """Return the objects with the chart's namespace where they need one and name none."""
    found = list(bodies)
    for body in found:
        _require_identity(body, arguments.release)
    scopes = {_defined_kind(body): body["spec"]["scope"] == "Namespaced" for body in found if _is_definition(body)}
    return [_object(body, arguments, api, scopes) for body in found]


class Registrar:
    """Registers resources at the engine's monitor."""

    def __init__(self, request: ConstructRequest, version: str) -> None:
        """Answer this request, by a plugin of this version."""
        self._request = request
        self._version = version
        options = [(f"grpc.max_{way}_message_length", MAX_MESSAGE_BYTES) for way in ("receive", "send")]
        self._channel = grpc.insecure_channel(request.monitorEndpoint, options=options)
        self._monitor = resource_pb2_grpc.ResourceMonitorStub(self._channel)

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def component(self) -> str:
        """Register the chart itself and return its URN."""
        request = self._request
        return self._register(
            resource_pb2.RegisterResourceRequest(
                type=request.type,
                name=request.name,
                parent=request.parent,
                protect=request.protect if request.HasField("protect") else None,
                retainOnDelete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
                deletedWith=request.deletedWith,
                dependencies=request.dependencies,
                providers=request.providers,
                aliases=request.aliases,
                aliasSpecs=True,
                acceptSecrets=True,
                supportsPartialValues=True,
            )
        ).urn

    def objects(self, parent: str, objects: list[Object], arguments: ChartArguments) -> list[ResourceReference]:
        """Register the objects below `parent` and return references to them once all are made.

        CRDs and Namespaces come first; what needs one depends on it, so that it goes before it, too.
        """
        providing = [found for found in objects if found.provides() is not None]
        others = [found for found in objects if found.provides() is None]
        first = self._all([(found, []) for found in providing], parent, arguments)
        urns = {found.provides(): made.urn for found, made in zip(providing, first, strict=True)}
        needed = [(found, [urns[need] for need in (found.kind, found.namespace) if need in urns]) for found in others]
        second = self._all(needed, parent, arguments)
        return [ResourceReference(made.urn, made.id) for made in (*first, *second)]

    def _all(
        self, wanted: list[tuple[Object, list[str]]], parent: str, arguments: ChartArguments
    ) -> list[RegisterResourceResponse]:
        requests = [self._custom(found, parent, needs, arguments) for found, needs in wanted]
        # The engine answers once the resource is made; how many it makes at once is its own business.
        with ThreadPoolExecutor(max(len(requests), 1)) as threads:
            return list(threads.map(self._register, requests))

    def _custom(
        self, found: Object, parent: str, dependencies: list[str], arguments: ChartArguments
    ) -> RegisterResourceRequest:
        annotations: Properties = found.body["metadata"].get("annotations") or {}
        version = str(found.body["apiVersion"])
        prefix = f"{arguments.prefix}:" if arguments.prefix else ""
        return resource_pb2.RegisterResourceRequest(
            type=f"{_PACKAGE}:{version if '/' in version else f'core/{version}'}:{found.body['kind']}",
            name=prefix + found.qualified_name,
            parent=parent,
            custom=True,
            object=encode(hide_content(found.body)),
            dependencies=dependencies,
            provider=self._request.providers.get(_PACKAGE, ""),
            version=self._version,
            retainOnDelete=True if annotations.get(_RESOURCE_POLICY) == "keep" else None,
            acceptSecrets=True,
            acceptResources=True,
            supportsPartialValues=True,
        )

    def _register(self, request: RegisterResourceRequest) -> RegisterResourceResponse:
        try:
            return cast("RegisterResourceResponse", self._monitor.RegisterResource(request))
        except grpc.RpcError as error:
            raise ProviderError(f"{request.name} of chart {self._request.name} wasn't made: {error}") from error


def answer(urn: str, resources: list[ResourceReference]) -> ConstructResponse:
    """Return what the program gets of the chart."""
    return provider_pb2.ConstructResponse(urn=urn, state=encode({"resources": resources}))


def _object(body: Properties, arguments: ChartArguments, api: Api, scopes: dict[tuple[str, str], bool]) -> Object:
    metadata: Properties = body["metadata"]
    kind = (str(body["apiVersion"]).rpartition("/")[0], str(body["kind"]))
    try:
        namespaced = scopes[kind] if kind in scopes else api.resource(body["apiVersion"], kind[1]).namespaced
    except NoSuchKindError as error:
        raise ProviderError(
            f"chart {arguments.release}: {error}; a chart's custom resources need their definition in the cluster"
            " or in the same chart"
        ) from error
    namespace = str(metadata.get("namespace") or (arguments.namespace if namespaced else ""))
    # Some charts name a namespace for cluster-wide objects too, which the API server drops.
    completed = {**metadata, "namespace": namespace if namespaced else None}
    if arguments.skip_await:
        completed["annotations"] = {**(metadata.get("annotations") or {}), SKIP_AWAIT: "true"}
    return Object({**body, "metadata": completed}, namespace)


def _require_identity(body: Properties, release: str) -> None:
    metadata: Properties = body.get("metadata") or {}
    if not (body.get("apiVersion") and body.get("kind") and metadata.get("name")):
        raise ProviderError(f"chart {release}: an object without apiVersion, kind or metadata.name: {str(body)[:100]}")
    if _DEPENDS_ON in (metadata.get("annotations") or {}):
        raise ProviderError(f"chart {release}: {metadata['name']} bears {_DEPENDS_ON}, which the stand-in doesn't know")


def _is_definition(body: Properties) -> bool:
    return body["kind"] == "CustomResourceDefinition"


def _defined_kind(body: Properties) -> tuple[str, str]:
    return str(body["spec"]["group"]), str(body["spec"]["names"]["kind"])

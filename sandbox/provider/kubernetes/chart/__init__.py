"""Helm charts (`helm.sh/v4:Chart`): rendered by the real `helm`, each object a resource of its own.

As with the official plugin, hooks are left out, and nothing of Helm's own is kept in the cluster. Unlike it, the
objects aren't validated before they are registered: what is wrong with one shows as that resource's error. Values from
files, post-renderers, provenance checks, logins to repositories and the annotation `config.kubernetes.io/depends-on`
are refused by name.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from sandbox.provider.kubernetes.chart.arguments import ChartArguments
from sandbox.provider.kubernetes.chart.registration import Registrar, answer, normalized
from sandbox.provider.kubernetes.chart.rendering import render
from sandbox.provider.kubernetes.declared import unsupported
from sandbox.provider.values import decode, has_unknown

if TYPE_CHECKING:
    from pulumi.runtime.proto.provider_pb2 import ConstructRequest, ConstructResponse

    from sandbox.provider.engine import Engine
    from sandbox.provider.kubernetes.session import Session

_CHART: Final = "kubernetes:helm.sh/v4:Chart"


def construct(session: Session, engine: Engine, request: ConstructRequest, version: str) -> ConstructResponse:
    """Render the chart and register its objects as the children of a component.

    Raises ProviderError for another type than `Chart`, and when the chart can't be had, rendered or made.
    """
    if request.type != _CHART:
        raise unsupported(request.type)
    inputs = decode(request.inputs)
    with closing(Registrar(request, version)) as registrar:
        urn = registrar.component()
        if has_unknown(inputs):
            engine.warn(
                f"chart {request.name}: some of its inputs are only known after the update; preview is incomplete"
            )
            return answer(urn, [])
        arguments = ChartArguments.parse(request.name, inputs, session.namespace)
        objects = normalized(render(arguments, session), arguments, session.api)
        return answer(urn, registrar.objects(urn, objects, arguments))

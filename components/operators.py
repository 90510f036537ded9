"""Third-party operators: declared by the publisher's Helm chart, or already in the cluster."""

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pydantic import Field

from components.base import Component
from components.fields import Model
from components.versions import ChartRelease


class ChartSettings(Model):
    """Where a chart comes from, when not as pinned in versions.py."""

    version: str | None = None
    """Another version than the pinned one, for this environment only."""
    repository: str | None = None
    """Mirror of the publisher's chart repository."""
    path: str | None = None
    """Local folder or packaged chart (.tgz), for closed networks; repository and version are then not used."""


class OperatorSettings(Model):
    """Who installs an operator."""

    operator: Literal["chart", "existing"] = "chart"
    """``chart`` declares the publisher's Helm chart; ``existing`` expects the operator and its CRDs in the cluster."""
    chart: ChartSettings = Field(default_factory=ChartSettings)
    """Source of the chart, with ``operator: chart``."""


def operator_chart(
    component: Component,
    release: ChartRelease,
    override: ChartSettings,
    *,
    namespace: pulumi.Input[str],
    values: Mapping[str, Any],
    protect: bool,
    depends_on: list[pulumi.Resource],
    transform: pulumi.ResourceTransform | None = None,
) -> pulumi.Resource:
    """Declare one chart of the publisher in a namespace that exists already.

    With ``protect`` its CRDs are protected, and its objects of such kinds. ``transform`` changes what the chart renders
    where it has no value for it.
    """
    # Imported here: the module is not needed where every operator exists already.
    from pulumi_kubernetes.helm.v4 import Chart, RepositoryOptsArgs  # noqa: PLC0415

    transforms = [*([_protect_kinds] if protect else []), *([transform] if transform else [])]
    local = override.path is not None
    chart = Chart(
        release.chart,
        chart=override.path or release.chart,
        version=None if local else override.version or release.version,
        repository_opts=None if local else RepositoryOptsArgs(repo=override.repository or release.repository),
        namespace=namespace,
        values=values,
        opts=pulumi.ResourceOptions.merge(
            component.child(depends_on=depends_on),
            pulumi.ResourceOptions(transforms=transforms),
        ),
    )
    component.charts.append(chart)
    return chart


def _protect_kinds(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Protect a CRD, with which every object of its kind is deleted, and an object that an operator works by."""
    if not args.custom:
        return None  # the chart
    group = args.type_.split(":")[1].partition("/")[0]
    # Kubernetes' own groups have no dot or end so.
    own = "." not in group or group.endswith(".k8s.io")
    if own and not args.type_.endswith(":CustomResourceDefinition"):
        return None
    protected = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True))
    return pulumi.ResourceTransformResult(args.props, protected)

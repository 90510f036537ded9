"""Renders charts by the real `helm`, for the cluster that the provider points to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from sandbox.provider.errors import ProviderError
from sandbox.provider.values import is_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.provider.kubernetes.chart.arguments import ChartArguments
    from sandbox.provider.kubernetes.session import Session
    from sandbox.provider.values import Properties

_SECONDS: Final = 180
"""Helm itself gives up on one download after 120 s."""
_REMOTE: Final = ("http://", "https://", "oci://")


class _Loader(yaml.CSafeLoader):
    """Reads plain scalars as Kubernetes' own YAML does: `1e+06` is a number, a date, `=` and `10:30` are text."""

    yaml_implicit_resolvers: Any = {  # noqa: RUF012 - as PyYAML wants it
        first: [pair for pair in pairs if pair[0].rpartition(":")[2] in ("bool", "merge", "null")]
        for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(0b[01]+|0[0-7]*|[1-9][0-9]*|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def render(arguments: ChartArguments, session: Session) -> list[Properties]:
    """Return the chart's objects, CRDs first, hooks left out.

    Templates see the cluster's version and kinds, and `lookup` finds what is there. Raises ProviderError when the chart
    can't be had or rendered.
    """
    helm = shutil.which("helm")
    if helm is None:
        raise ProviderError(f"chart {arguments.release}: needs the program helm, which isn't on PATH")
    with tempfile.TemporaryDirectory(prefix="chart-") as scratch:
        command = [helm, "template", *_options(arguments, session, Path(scratch))]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise ProviderError(f"chart {arguments.release}: helm didn't end within {_SECONDS} s") from error
    if run.returncode:
        raise ProviderError(_explain(arguments, run.stderr))
    return list(_objects(run.stdout))


def _options(arguments: ChartArguments, session: Session, scratch: Path) -> Iterator[str]:
    """Yield helm's arguments; values and kubeconfig go into `scratch`, where nobody else can read them."""
    yield from (arguments.release, arguments.chart, "--no-hooks", *arguments.switches)
    if not arguments.skip_crds:
        yield "--include-crds"
    values = scratch / "values.json"
    values.write_text(json.dumps(arguments.values), encoding="utf-8")
    given = {
        "namespace": arguments.namespace,
        "version": arguments.version,
        "values": str(values),
        "repo": arguments.repository,
        "dry-run": "server",
        "kubeconfig": str(session.settings.write_kubeconfig(scratch)),
        "kube-context": session.settings.context,
        "kube-version": session.api.version(),
        "api-versions": ",".join(session.api.kinds()),
    }
    yield from (f"--{name}={value}" for name, value in given.items() if value)


def _objects(manifest: str) -> Iterator[Properties]:
    for document in yaml.load_all(manifest, _Loader):
        if not is_map(document):
            continue
        if str(document.get("kind", "")).endswith("List") and "items" in document:
            yield from document["items"]
        else:
            yield document


def _explain(arguments: ChartArguments, stderr: str) -> str:
    reason = stderr.strip().removeprefix("Error: ")
    source = arguments.repository or (arguments.chart if arguments.chart.startswith(_REMOTE) else "")
    if not source:
        return f"chart {arguments.release} can't be rendered: {reason}"
    return (
        f"chart {arguments.release} can't be had from {source} or rendered: {reason}\n"
        "Where that address can't be reached, name a local folder of the chart or its package (.tgz)."
    )

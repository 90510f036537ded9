"""One rollout for all tests of operators: the real Tigera operator runs, the Zalando operator comes by its chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sandbox import cluster as control_plane
from sandbox import kubeconfig
from sandbox.progress import Progress
from sandbox.toolchain import ensure
from sandbox.toolchain.charts import postgres_operator_chart
from sandbox.toolchain.crds import BEFORE_DEV, ensure_crds
from tests.integration.operators.isolated import missing, running
from tests.integration.stack.checkout import Checkout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.toolchain import Toolchain


@pytest.fixture(scope="package")
def project(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The project with a control plane of its own and nothing rolled out; only Calico and PostgreSQL are on."""
    if reason := missing():
        pytest.skip(reason)
    operator = ensure(["tigera-operator"], Progress(quiet=True)).path("tigera-operator")
    checkout = Checkout(tmp_path_factory.mktemp("operators") / "project")
    folder = checkout.folder / ".sandbox" / "default" / "cluster"
    try:
        cluster = control_plane.start(folder, toolchain, crds=ensure_crds(BEFORE_DEV))
        port = urlsplit(kubeconfig.server(cluster.kubeconfig)).port
        assert port
        checkout.edit(_with_operators)
        # Where the operator runs as a pod, its manifests bring this namespace.
        checkout.kubectl("create", "namespace", "tigera-operator")
        environment = {
            "KUBECONFIG": str(cluster.kubeconfig),
            "OPERATOR_NAMESPACE": "tigera-operator",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(port),
        }
        log = checkout.folder / "tigera-operator.log"
        with running([operator, "--enable-leader-election=false"], environment, port, log):
            yield checkout
    finally:
        control_plane.stop(folder, toolchain)


@pytest.fixture(scope="package")
def rolled_out(project: Checkout) -> Checkout:
    """The same, previewed and rolled out."""
    # The kind of the database comes with the chart, so that nothing serves it yet.
    assert "acid.zalan.do/v1:postgresql" in project.sandbox("preview").stdout
    project.first_up = project.up()
    return project


def _with_operators(sections: dict[str, Any]) -> None:
    for name in ("longhorn", "redis", "websites", "memcached", "samples"):
        sections[name] = {"enabled": False}
    sections["calico"]["awaitReady"] = True
    sections["postgres"] |= {"chart": {"path": str(postgres_operator_chart())}, "operatorImage": None}
    sections["postgres"]["volume"]["storageClass"] = "longhorn"

"""Helm charts on the real engine: what becomes of their objects from preview to destroy."""

from __future__ import annotations

import secrets
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from small_chart import package, write_chart
from workbench import kubernetes

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes.chart.arguments import ChartArguments
from sandbox.provider.kubernetes.chart.registration import normalized
from sandbox.provider.kubernetes.chart.rendering import render
from sandbox.provider.kubernetes.session import Session
from sandbox.provider.kubernetes.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workbench import Body, Kubectl, Stack

    from sandbox.toolchain import Toolchain


@pytest.fixture
def group() -> str:
    return f"g{secrets.token_hex(3)}.example.com"


@pytest.fixture
def chart(tmp_path: Path, group: str) -> Path:
    return write_chart(tmp_path, group)


def declare(namespace: str, chart: Path | str, *, options: Body | None = None, **arguments: Any) -> Body:
    return {
        "type": "kubernetes:helm.sh/v4:Chart",
        "name": "shop",
        "component": True,
        "outputs": ["resources"],
        "properties": {"chart": str(chart), "namespace": namespace, **arguments},
        "refer": {"provider": "cluster"},
        "options": options or {},
        "version": version("pulumi-kubernetes"),
    }


def children(stack: Stack) -> dict[str, Body]:
    return {name: item for name, item in stack.state().items() if name.startswith("shop:")}


def test_a_chart_lives_from_preview_to_destroy_as_single_resources(
    stack: Stack, namespace: str, chart: Path, group: str, kubectl: Kubectl
) -> None:
    names = {
        f"shop:gadgets.{group}": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
        f"shop:{namespace}-reader": "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
        f"shop:{namespace}/shop-gadget": f"kubernetes:{group}/v1:Gadget",
        f"shop:{namespace}/shop-greeting": "kubernetes:core/v1:ConfigMap",
        f"shop:{namespace}/shop-kept": "kubernetes:core/v1:ConfigMap",
        f"shop:{namespace}/shop-secret": "kubernetes:core/v1:Secret",
        f"shop:{namespace}/shop-server": "kubernetes:apps/v1:Deployment",
    }
    previewed = stack.preview(declare(namespace, chart))
    assert {name for name in previewed.operations if name.startswith("shop:")} == set(names)
    assert kubectl("get", "configmap", f"--namespace={namespace}", "--output=name").split() == [
        "configmap/kube-root-ca.crt"
    ]

    stack.up(declare(namespace, chart))
    kept = children(stack)
    assert {name: item["type"] for name, item in kept.items()} == names
    assert {item["parent"].rpartition("::")[2] for item in kept.values()} == {"shop"}
    greeting = kubectl("get", "configmap", "shop-greeting", f"--namespace={namespace}", "--output=json")["data"]
    assert greeting == {"greeting": "hello", "server": "v1.36.3", "deployments": "true", "account": "default"}
    assert stack.preview(declare(namespace, chart)).operations == {}
    assert stack.preview(declare(namespace, chart), refresh=True).operations == {}

    stack.destroy()
    # The hook never was; what the chart says shall be kept is.
    left = kubectl("get", "configmap,secret,deployment", f"--namespace={namespace}", "--output=name").split()
    assert left == ["configmap/kube-root-ca.crt", "configmap/shop-kept"]
    assert group not in kubectl("api-versions")


def test_a_changed_value_and_drift_are_updates_of_single_objects(
    stack: Stack, namespace: str, chart: Path, kubectl: Kubectl, toolchain: Toolchain
) -> None:
    stack.provider["enableConfigMapMutable"] = "true"
    stack.up(declare(namespace, chart))
    # The packed file is as good as the folder.
    changed = declare(namespace, package(toolchain.path("helm"), chart), values={"greeting": "good day"})
    assert stack.preview(changed).operations == {f"shop:{namespace}/shop-greeting": "update"}
    kubectl("patch", "deployment", "shop-server", f"--namespace={namespace}", '--patch={"spec": {"replicas": 3}}')
    kubectl("delete", "secret", "shop-secret", f"--namespace={namespace}")
    repaired = stack.up(changed, flags=["--refresh"]).output
    assert "shop-server updated" in repaired
    assert "shop-secret created" in repaired
    assert stack.preview(changed).operations == {}
    server = kubectl("get", "deployment", "shop-server", f"--namespace={namespace}", "--output=json")
    assert server["spec"]["replicas"] == 1
    stack.destroy()


def test_what_depends_on_a_chart_is_made_after_its_objects_and_deleted_before_them(
    stack: Stack, namespace: str, chart: Path, group: str
) -> None:
    gadget = kubernetes(
        {"apiVersion": f"{group}/v1", "kind": "Gadget", "metadata": {"name": "ours", "namespace": namespace}},
        name="ours",
        options={"depends_on": ["shop"]},
    )
    plan = (declare(namespace, chart), gadget)
    assert stack.preview(*plan).operations["ours"] == "create"
    stack.up(*plan)
    lines = stack.destroy().output.splitlines()
    deleted = [line for line in lines if " deleted " in line]
    (ours,) = [number for number, line in enumerate(deleted) if " ours " in line]
    others = [number for number, line in enumerate(deleted) if "shop:" in line and "(retain" not in line]
    assert others
    assert ours < min(others)


def test_a_protected_chart_protects_its_objects_and_keeps_its_secrets_encrypted(
    stack: Stack, namespace: str, chart: Path
) -> None:
    outcome = stack.up(declare(namespace, chart, values={"password": "hush-hush"}, options={"protect": True}))
    assert {item.get("protect") for item in children(stack).values()} == {True}
    stack.run("destroy", "--yes", "--skip-preview", "--stack=test", fails=True)
    assert "hush-hush" not in outcome.output
    stored = [file.read_text() for file in (stack.folder / "state").rglob("*.json")]
    assert stored
    assert not [text for text in stored if "hush-hush" in text or "aHVzaC1odXNo" in text]
    stack.run("state", "unprotect", "--all", "--yes", "--stack=test")
    stack.destroy()


def test_a_chart_that_cannot_be_had_fails_the_preview_with_the_way_out(
    stack: Stack, namespace: str, free_port: int
) -> None:
    address = f"http://127.0.0.1:{free_port}"
    outcome = stack.preview(declare(namespace, "small", version="1.2.3", repositoryOpts={"repo": address}), fails=True)
    assert f"chart shop can't be had from {address}" in outcome.output
    assert "name a local folder of the chart or its package (.tgz)" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"values": {"replicas": "many"}}, r"values don't meet the specifications of the schema"),
        ({"chart": "./nowhere"}, r"chart shop can't be rendered: .*nowhere"),
        ({"chart": "oci://127.0.0.1:9/small"}, r"chart shop can't be had from oci://127.0.0.1:9/small"),
        ({"postRenderer": {"command": "cat"}}, r"postRenderer isn't supported by the sandbox's stand-in"),
        ({"repositoryOpts": {"username": "me"}}, r"repositoryOpts.username isn't supported"),
    ],
    ids=["values", "no chart", "registry", "post-renderer", "login"],
)
def test_what_cannot_be_rendered_is_refused_with_the_reason(
    arguments: Body, said: str, chart: Path, session: Session
) -> None:
    with pytest.raises(ProviderError, match=said):
        render(ChartArguments.parse("shop", {"chart": str(chart), **arguments}, "default"), session)


def test_numbers_and_texts_are_read_as_kubernetes_reads_them(chart: Path, session: Session) -> None:
    rendered = render(ChartArguments.parse("shop", {"chart": str(chart)}, "default"), session)
    (gadget,) = [body for body in rendered if body["kind"] == "Gadget"]
    texts = {"since": "2024-01-31", "at": "10:30", "sign": "=", "release": "Helm"}
    assert gadget["spec"] == {**texts, "limit": 1e6, "ratio": 0.5, "mode": 0o755}


def test_a_custom_resource_whose_definition_is_nowhere_is_refused(chart: Path, group: str, session: Session) -> None:
    arguments = ChartArguments.parse("shop", {"chart": str(chart), "skipCrds": True}, "default")
    with pytest.raises(ProviderError, match=f'no matches for kind "Gadget" in version "{group}/v1"'):
        normalized(render(arguments, session), arguments, session.api)


@pytest.fixture
def session(settings: Body, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The plugin's own view of the cluster, without an engine."""
    parsed = Settings.parse(settings)
    connection = parsed.connect()
    monkeypatch.setattr(Settings, "connect", lambda _: connection)
    monkeypatch.setenv("PATH", str(toolchain.bin))
    with connection[0]:
        yield Session(parsed, print)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]

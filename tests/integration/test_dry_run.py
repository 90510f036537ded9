"""Every object of every environment is accepted by a real API server that holds the publishers' real CRDs."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import lightkube
import pytest
from lightkube.config.client_adapter import Client, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.types import PatchType

from sandbox import cluster as control_plane
from sandbox.cluster import Cluster
from sandbox.toolchain import Toolchain
from tests.unit.declared import Declared, Resource, declare, stack_file

PLURALS = {
    "postgresql": "postgresqls",
    "StorageClass": "storageclasses",
    "Ingress": "ingresses",
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
}
POSTGRESQL_CRD = "postgresqls.acid.zalan.do"


class Api:
    """Dry-run server-side apply with strict field validation; keeps the warnings that the server sends along."""

    def __init__(self, cluster: Cluster) -> None:
        config = KubeConfig.from_file(cluster.kubeconfig).get(context_name=cluster.context)
        assert config
        self._http = Client(config, ConnectionParams())

    def close(self) -> None:
        self._http.close()

    def apply(self, manifest: dict[str, Any], *, dry_run: bool = True) -> tuple[int, dict[str, Any], list[str]]:
        metadata = manifest["metadata"]
        group = "api/v1" if manifest["apiVersion"] == "v1" else f"apis/{manifest['apiVersion']}"
        namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
        plural = PLURALS.get(manifest["kind"], manifest["kind"].lower() + "s")
        parameters = {"fieldManager": "test", "fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        response = self._http.patch(
            f"/{group}{namespace}/{plural}/{metadata['name']}",
            params=parameters,
            json=manifest,
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        return response.status_code, response.json(), response.headers.get_list("warning")


@pytest.fixture(scope="module")
def cluster(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane for this file alone, since one of its CRDs is changed."""
    folder = tmp_path_factory.mktemp("dry-run") / "cluster"
    try:
        yield control_plane.start(folder, toolchain)
    finally:
        control_plane.stop(folder, toolchain)


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    client = Api(cluster)
    _teach_the_newer_operator(cluster)
    yield client
    client.close()


def _teach_the_newer_operator(cluster: Cluster) -> None:
    """Add to the operator's CRD what 2.0 knows and 1.15, the newest that can be had as a module, doesn't.

    Facts of manifests/postgresql.crd.yaml at v2.0.1: major 18, and `topologySpreadConstraints`.
    """
    spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties"
    patch = [
        {"op": "add", "path": f"{spec}/postgresql/properties/version/enum/-", "value": "18"},
        {
            "op": "add",
            "path": f"{spec}/topologySpreadConstraints",
            "value": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["maxSkew", "topologyKey", "whenUnsatisfiable"],
                    "properties": {
                        "maxSkew": {"type": "integer"},
                        "topologyKey": {"type": "string"},
                        "whenUnsatisfiable": {"type": "string"},
                        "labelSelector": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    },
                },
            },
        },
    ]
    with lightkube.Client(KubeConfig.from_file(cluster.kubeconfig).get()) as client:
        client.patch(CustomResourceDefinition, POSTGRESQL_CRD, patch, patch_type=PatchType.JSON)


def objects(declared: Declared) -> list[Resource]:
    """Return the declared objects, namespaces and CRDs first."""
    first = ("Namespace", "CustomResourceDefinition")
    return sorted(declared.objects(), key=lambda resource: resource.kind not in first)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_object_passes_a_strict_dry_run_without_a_warning(
    environment: str, api: Api, make_namespaces: Callable[[Declared], None]
) -> None:
    declared = declare(stack_file(environment), stack_name=environment)
    make_namespaces(declared)
    refused = []
    for resource in objects(declared):
        code, answer, warnings = api.apply(copy.deepcopy(dict(resource.inputs)))
        if code >= 300 or warnings:
            refused.append((resource.kind, resource.object_name, answer.get("message"), warnings))
    assert refused == []


@pytest.fixture
def make_namespaces(api: Api) -> Callable[[Declared], None]:
    """Create, for good, what the other objects need; charts bring some of the CRDs."""

    def make(declared: Declared) -> None:
        for resource in objects(declared):
            if resource.kind in {"Namespace", "CustomResourceDefinition", "PriorityClass"}:
                code, answer, _ = api.apply(copy.deepcopy(dict(resource.inputs)), dry_run=False)
                assert code < 300, answer

    return make


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_pod_template_is_accepted_by_its_namespace(
    environment: str, api: Api, make_namespaces: Callable[[Declared], None]
) -> None:
    declared = declare(stack_file(environment), stack_name=environment)
    make_namespaces(declared)
    checked = []
    for resource in declared.objects():
        spec = resource.inputs.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if resource.kind not in {"Deployment", "StatefulSet", "CronJob"} or template is None:
            continue
        namespace = resource.inputs["metadata"]["namespace"]
        pod: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": "tried", "namespace": namespace},
            "spec": _with_claims(template["spec"], resource),
        }
        # Pod Security judges pods only, and admission looks for the account of the pod.
        if "serviceAccountName" in pod["spec"]:
            account = {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": pod["spec"]["serviceAccountName"], "namespace": namespace},
            }
            api.apply(account, dry_run=False)
        code, answer, warnings = api.apply(pod)
        assert (code, warnings) == (201, []), answer
        checked.append(resource.object_name)
    backups = {"dev": [], "prod": ["redis-backup"]}[environment]
    assert sorted(checked) == sorted(
        ["memcached-controller", "redis-controller", "redis-sfs", "watch", "website-controller", *backups]
    )


def _with_claims(spec: dict[str, Any], resource: Resource) -> dict[str, Any]:
    claims = [claim["metadata"]["name"] for claim in resource.inputs["spec"].get("volumeClaimTemplates", [])]
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    return {**spec, "volumes": [*spec.get("volumes", []), *volumes]}


def test_a_typo_in_a_custom_resource_is_refused_by_name(api: Api, dev: Declared) -> None:
    manifest = copy.deepcopy(dict(dev.object("Installation", "default").inputs))
    manifest["spec"]["calicoNetwork"]["ipPools"][0]["blocksize"] = 26
    code, answer, _ = api.apply(manifest)
    # An unknown field is an error of the schema, which server-side apply reports as one of its own.
    assert code in {400, 500}
    assert ".spec.calicoNetwork.ipPools" in answer["message"]
    assert "blocksize" in answer["message"]


@pytest.fixture(scope="module")
def dev() -> Declared:
    return declare(stack_file("dev"))

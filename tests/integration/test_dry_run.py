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

from sandbox.cluster import Cluster
from sandbox.provider.kubernetes.chart.arguments import ChartArguments
from sandbox.provider.kubernetes.chart.registration import normalized
from sandbox.provider.kubernetes.chart.rendering import render
from sandbox.provider.kubernetes.session import Session
from sandbox.provider.kubernetes.settings import Settings as ProviderSettings
from sandbox.toolchain import Toolchain
from sandbox.toolchain.charts import postgres_operator_chart
from sandbox.toolchain.crds import ensure_crds
from tests.control_planes import running
from tests.unit.declared import Declared, Resource, declare, everything, stack_file, with_shop

PLURALS = {
    "postgresql": "postgresqls",
    "StorageClass": "storageclasses",
    "Ingress": "ingresses",
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
    "GlobalNetworkPolicy": "globalnetworkpolicies",
}
# Mappings whose keys are names that a person gives, not fields.
NAMED = {
    "users",
    "databases",
    "preparedDatabases",
    "extensions",
    "schemas",
    "parameters",
    "podAnnotations",
    "labels",
    "matchLabels",
}
# Parts of a `postgresql` that its CRD takes as they come, since the operator hands them on to pods.
HANDED_ON = frozenset({"env", "volumeSource"})
THIRD_PARTIES = {"operator.tigera.io", "crd.projectcalico.org", "longhorn.io", "acid.zalan.do"}
KINDS_OF_OTHERS = (
    "Installation", "APIServer", "FelixConfiguration", "GlobalNetworkPolicy", "RecurringJob", "Setting",
    "BackupTarget", "postgresql",
)  # fmt: skip
POSTGRESQL_CRD = "postgresqls.acid.zalan.do"


class Api:
    """Dry-run server-side apply with strict field validation; keeps the warnings that the server sends along."""

    def __init__(self, cluster: Cluster) -> None:
        config = KubeConfig.from_file(cluster.kubeconfig).get(context_name=cluster.context)
        assert config
        self._http = Client(config, ConnectionParams())

    def close(self) -> None:
        self._http.close()

    def apply(
        self, manifest: dict[str, Any], *, dry_run: bool = True, force: bool = False
    ) -> tuple[int, dict[str, Any], list[str]]:
        metadata = manifest["metadata"]
        group = "api/v1" if manifest["apiVersion"] == "v1" else f"apis/{manifest['apiVersion']}"
        namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
        plural = PLURALS.get(manifest["kind"], manifest["kind"].lower() + "s")
        parameters = {"fieldManager": "test", "fieldValidation": "Strict", "force": str(force).lower()}
        if dry_run:
            parameters["dryRun"] = "All"
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
    with running(folder, toolchain, crds=ensure_crds()) as cluster:
        yield cluster


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
    _refuses_nothing(declare(stack_file(environment), stack_name=environment), api, make_namespaces)


def test_every_object_of_a_further_postgres_cluster_passes_a_strict_dry_run_without_a_warning(
    api: Api, make_namespaces: Callable[[Declared], None]
) -> None:
    shop = {
        "pooler": {},
        "walBackup": {"bucket": "shops"},
        "copies": {"shop-before": {"timestamp": "2026-11-22T08:00:00+00:00"}},
        "passwordRotation": {"inPlaceUsers": ["shop_app"]},
        "logicalBackup": {"retention": "3 months"},
    }
    declared = declare(with_shop(stack_file("prod"), **shop), stack_name="prod")
    databases = {each.object_name for each in declared.of_type("kubernetes:acid.zalan.do/v1:postgresql")}
    assert databases == {"pgsql-cluster", "shop", "shop-before"}
    _refuses_nothing(declared, api, make_namespaces)


def _refuses_nothing(declared: Declared, api: Api, make_namespaces: Callable[[Declared], None]) -> None:
    make_namespaces(declared)
    refused = []
    for resource in objects(declared):
        code, answer, warnings = api.apply(copy.deepcopy(dict(resource.inputs)))
        if code >= 300 or warnings:
            refused.append((resource.kind, resource.object_name, answer.get("message"), warnings))
    assert refused == []


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_every_object_of_the_postgres_operators_chart_passes_a_strict_dry_run_without_a_warning(
    environment: str, api: Api, session: Session, make_namespaces: Callable[[Declared], None]
) -> None:
    sections = stack_file(environment)
    # The newest chart that can be had, and a major that its operator knows; the values are the environment's own.
    older = {"operatorVersion": "1.15.1", "version": "17", "chart": {"path": str(postgres_operator_chart())}}
    sections["postgres"] |= older
    declared = declare(sections, stack_name=environment)
    make_namespaces(declared)
    (chart,) = [c for c in declared.of_type("kubernetes:helm.sh/v4:Chart") if c.name == "postgres-operator"]
    arguments = ChartArguments.parse(chart.name, dict(chart.inputs), "default")
    rendered = normalized(render(arguments, session), arguments, session.api)
    refused = []
    for found in rendered:
        body = {**found.body, "metadata": {k: v for k, v in found.body["metadata"].items() if v is not None}}
        # The sandbox has the chart's CRDs already, from the same publisher's manifests.
        code, answer, warnings = api.apply(body, force=found.kind[1] == "CustomResourceDefinition")
        if code >= 300 or warnings:
            refused.append((*found.kind, found.name, answer.get("message"), warnings))
    assert refused == []
    kinds = {found.kind[1] for found in rendered}
    assert {"CustomResourceDefinition", "ClusterRole", "Deployment", "OperatorConfiguration", "Service"} <= kinds


@pytest.fixture
def session(cluster: Cluster, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The stand-in's own view of the cluster, by which it renders charts."""
    settings = ProviderSettings.parse({"kubeconfig": str(cluster.kubeconfig), "context": cluster.context})
    connection = settings.connect()
    monkeypatch.setattr(ProviderSettings, "connect", lambda _: connection)
    monkeypatch.setenv("PATH", str(toolchain.bin))
    with connection[0]:
        yield Session(settings, print)


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


@pytest.fixture(scope="module")
def third_parties() -> dict[str, dict[str, Any]]:
    """An object of each third-party kind, with every setting that gives it a field."""
    made: dict[str, dict[str, Any]] = {}
    for resource in declare(everything()).objects():
        manifest = copy.deepcopy(dict(resource.inputs))
        if manifest["apiVersion"] == "projectcalico.org/v3":
            # Served by Calico's own API server. What it keeps behind that has the same spec.
            manifest["apiVersion"] = "crd.projectcalico.org/v1"
        if manifest["apiVersion"].split("/")[0] in THIRD_PARTIES:
            made.setdefault(manifest["kind"], manifest)
    return made


def misspelt(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the value once for each field in it, with that field misspelt."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            for where, wrong in misspelt(item, (*path, number)):
                yield where, [*value[:number], wrong, *value[number + 1 :]]
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (path and path[-1] in NAMED):
                rest = {other: kept for other, kept in value.items() if other != key}
                yield (*path, key), {**rest, f"{key}Typo": item}
            for where, wrong in misspelt(item, (*path, key)):
                yield where, {**value, key: wrong}


def test_every_kind_of_others_is_tried(third_parties: dict[str, dict[str, Any]]) -> None:
    assert set(third_parties) == set(KINDS_OF_OTHERS)


@pytest.mark.parametrize("kind", KINDS_OF_OTHERS)
def test_every_field_of_others_kinds_is_known_to_them_and_a_typo_in_any_is_refused(
    kind: str, third_parties: dict[str, dict[str, Any]], api: Api
) -> None:
    manifest = third_parties[kind]
    if namespace := manifest["metadata"].get("namespace"):
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        assert api.apply(home, dry_run=False)[0] < 300
    code, answer, warnings = api.apply(manifest)
    assert (code < 300, warnings) == (True, []), answer
    _refused_with_a_typo(manifest, api, HANDED_ON)


def test_what_the_operator_hands_on_to_pods_is_right_for_pods(
    third_parties: dict[str, dict[str, Any]], api: Api
) -> None:
    spec = third_parties["postgresql"]["spec"]
    volumes = [{"name": each["name"], **each["volumeSource"]} for each in spec["additionalVolumes"]]
    container = {"name": "postgres", "image": "postgres", "env": spec["env"]}
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "handed-on", "namespace": "default"},
        "spec": {"containers": [container], "volumes": volumes},
    }
    assert api.apply(manifest)[0] < 300
    _refused_with_a_typo(manifest, api)


def _refused_with_a_typo(manifest: dict[str, Any], api: Api, but: frozenset[str] = frozenset()) -> None:
    content = {key: manifest[key] for key in ("spec", "value") if key in manifest}
    for path, wrong in misspelt(content):
        if not but.isdisjoint(path[:-1]):
            continue
        rest = {key: value for key, value in manifest.items() if key not in content}
        code, answer, _ = api.apply({**rest, **wrong})
        assert code >= 400, f"{path} may be misspelt unseen"
        assert f"{path[-1]}Typo" in answer["message"], (path, answer["message"])

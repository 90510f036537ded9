"""What preview refuses, by looking at the cluster, on the real engine: each with the reason and the way out."""

import copy
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from tests.integration.stack.checkout import Checkout

Sections = dict[str, Any]
FOREIGN_SITE = """
apiVersion: extensions.example.com/v1
kind: Website
metadata: {name: handmade, namespace: default}
spec: {gitRepo: "https://example.com/handmade.git"}
"""
FOREIGN_CLASS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: example.com/standard
"""
KUBEADM = """
apiVersion: v1
kind: ConfigMap
metadata: {name: kubeadm-config, namespace: kube-system}
data: {ClusterConfiguration: "networking: {podSubnet: 10.244.0.0/16}"}
"""


def refusal(checkout: Checkout, change: Callable[[Sections], None], *arguments: str) -> str:
    """Return what a preview with changed settings says, which must fail before anything is registered."""
    checkout.restore()
    checkout.edit(change)
    refused = checkout.pulumi("preview", *arguments, check=False)
    shown = refused.stdout + refused.stderr
    assert refused.returncode != 0, shown
    assert "in the way on the cluster of context" in shown
    assert "nothing was changed" in shown
    assert "Traceback" not in shown
    return shown


@contextmanager
def created(checkout: Checkout, manifest: str) -> Generator[None]:
    """Keep objects that somebody else made for as long as they are needed."""
    file = checkout.folder / "foreign.yaml"
    file.write_text(manifest)
    checkout.kubectl("create", "-f", str(file))
    try:
        yield
    finally:
        checkout.kubectl("delete", "-f", str(file))


@pytest.fixture(scope="module")
def rolled(rolled_out: Checkout) -> Iterator[Checkout]:
    """The stack, brought back to its own settings in the end."""
    yield rolled_out
    rolled_out.restore()


def spoil(sections: Sections) -> None:
    """Change all that can't change, at once."""
    sections["calico"]["ipPools"][0].update(cidr="172.30.0.0/16", blockSize=24)
    sections["calico"]["ipPools"].append({"name": "renamed", "cidr": "192.0.2.0/24"})
    sections["longhorn"].update(dataLocality="best-effort", reclaimPolicy="Retain")
    sections["postgres"].update(teamId="other", version="14", volume={"size": "512Mi"})
    sections["redis"]["volume"] = {"size": "512Mi"}


@pytest.fixture(scope="module")
def changes(rolled: Checkout) -> str:
    return refusal(rolled, spoil)


@pytest.mark.parametrize(
    "said",
    [
        "pools: platform:calico.ipPools[0].cidr (pool 'default-ipv4-ippool') 172.31.0.0/16 -> 172.30.0.0/16: running "
        "pods hold its addresses. Migrate instead: add a second pool",
        "pools: platform:calico.ipPools[0].blockSize (pool 'default-ipv4-ippool') 26 -> 24: running pods hold",
        "classes: StorageClass 'longhorn': reclaimPolicy Delete -> Retain, parameters.dataLocality disabled -> "
        "best-effort: Kubernetes can't change a class",
        "platform:longhorn.classVersion: 2 and olderClasses: [{version: 1, replicas: 3, reclaimPolicy: Delete, "
        "dataLocality: disabled, fsType: ext4}]",
        "volumes: platform:redis.volume.size 1Gi -> 512Mi: volumes can grow, never shrink. The way is",
        "database: platform:postgres.volume.size 1Gi -> 512Mi: volumes can grow, never shrink. The way is",
        "database: platform:postgres.teamId pgsql -> other: the team is among the labels by which",
        "database: platform:postgres.version 15 -> 14: an older PostgreSQL can't read the files of a newer one",
        "A check that is wrong about your cluster is left out by platform:preflight.skip.<check>: <reason>",
    ],
)
def test_what_cannot_change_is_refused_with_old_value_new_value_reason_and_way(changes: str, said: str) -> None:
    assert said in changes


def test_all_refusals_are_reported_together(changes: str) -> None:
    assert "7 things stand in the way on the cluster of context 'sandbox'; nothing was changed" in changes


def take_away(sections: Sections) -> None:
    """Take away what others need, where data is worth protecting."""
    sections["protect"] = True
    sections["calico"] = {"enabled": False}
    sections["longhorn"] = {"enabled": False}
    sections["websites"] = {"enabled": False}
    sections["redis"] = {"enabled": False}
    sections["postgres"].update(name="other-cluster", volume={"size": "1Gi", "storageClass": "longhorn"})


@pytest.fixture(scope="module")
def removals(rolled: Checkout) -> str:
    with created(rolled, FOREIGN_SITE):
        return refusal(rolled, take_away)


@pytest.mark.parametrize(
    "said",
    [
        "removals: platform:calico.enabled true -> false: the Installation 'default' would be deleted",
        "classes: StorageClass 'longhorn' would go, but volumes use it (redis/",
        "Keep platform:longhorn.enabled: true until no volume uses it",
        "removals: platform:websites.enabled true -> false: the CRD of Website would be deleted, and with it 1 objects "
        "that others made (default/handmade)",
        "removals: namespace 'redis' would be deleted, and with it ",
        "database: platform:postgres.name pgsql-cluster -> other-cluster: another name is another, empty cluster",
    ],
)
def test_what_others_need_and_what_holds_data_is_not_taken_away(removals: str, said: str) -> None:
    assert said in removals


def test_where_nothing_is_protected_data_may_go(rolled: Checkout) -> None:
    rolled.restore()
    rolled.edit(lambda sections: sections.update(redis={"enabled": False}))
    assert {(step.op, step.name) for step in rolled.preview()} >= {("delete", "redis"), ("delete", "servers")}


def test_a_renamed_pool_is_seen_by_its_addresses(rolled: Checkout) -> None:
    said = refusal(rolled, lambda sections: sections["calico"]["ipPools"][0].update(name="renamed"))
    assert "platform:calico.ipPools[0].name default-ipv4-ippool -> renamed: the new pool would take addresses" in said


def test_the_ways_out_are_not_refused(rolled: Checkout) -> None:
    def migrate(sections: Sections) -> None:
        sections["calico"]["ipPools"].append({"name": "second", "cidr": "172.30.0.0/16"})
        sections["longhorn"].update(
            classVersion=2,
            dataLocality="best-effort",
            olderClasses=[{"version": 1, "replicas": 3, "reclaimPolicy": "Delete"}],
        )
        sections["redis"]["volume"] = {"storageClass": "longhorn"}
        sections["postgres"]["volume"] = {"size": "2Gi", "storageClass": "longhorn"}

    rolled.restore()
    rolled.edit(migrate)
    assert {step.name: (step.op, set(step.fields)) for step in rolled.preview()} == {
        "installation": ("update", {"spec.calicoNetwork.ipPools[1]"}),
        "storage-class-longhorn-r3-v2": ("create", set()),
        "storage-class-longhorn": (
            "update",
            {'metadata.annotations["storageclass.kubernetes.io/is-default-class"]'},
        ),
        "cluster": ("update", {"spec.volume.size"}),
    }


def ask_too_much(sections: Sections) -> None:
    sections["cluster"].update(nodes=6, zones=4, podCidr="172.31.0.0/16")
    sections["postgres"].update(operator="existing", operatorVersion="2.0.1")


@pytest.fixture(scope="module")
def lacks(rolled: Checkout) -> str:
    # A node in the middle of a drain still counts, one that is kept for somebody else doesn't.
    rolled.kubectl("cordon", "node-0")
    rolled.kubectl("taint", "node", "node-1", "example.com/dedicated=db:NoSchedule")
    try:
        with created(rolled, f"{FOREIGN_CLASS}---{KUBEADM}"):
            return refusal(rolled, ask_too_much)
    finally:
        rolled.kubectl("uncordon", "node-0")
        rolled.kubectl("taint", "node", "node-1", "example.com/dedicated-")


@pytest.mark.parametrize(
    "said",
    [
        "nodes: platform:cluster.nodes = 6, but 2 nodes take workloads",
        "nodes: platform:cluster.zones = 4, but the nodes that take workloads are in 2 (zone-a, zone-c)",
        "addresses: platform:cluster.podCidr = '172.31.0.0/16': allowed is 10.244.0.0/16",
        "addresses: platform:calico.ipPools[0].cidr = '172.31.0.0/16': allowed is a network inside the cluster's pod "
        "network 10.244.0.0/16",
        "default-class: StorageClass 'standard' is the default, and 'longhorn' would be one too",
        "crds: CRD postgresqls.acid.zalan.do doesn't know spec.topologySpreadConstraints",
    ],
)
def test_what_the_cluster_lacks_is_said_before_a_rollout(lacks: str, said: str) -> None:
    assert said in lacks


def test_a_check_is_skipped_by_name_with_a_reason_that_every_preview_shows(rolled: Checkout) -> None:
    def skip(sections: Sections) -> None:
        sections["cluster"]["nodes"] = 4
        sections["preflight"] = {"skip": {"nodes": "the fourth node joins tomorrow"}}

    rolled.restore()
    rolled.edit(skip)
    shown = rolled.pulumi("preview").stdout
    assert "preflight: 'nodes' is left out: the fourth node joins tomorrow" in shown


def test_a_user_who_lacks_rights_reads_which(rolled: Checkout) -> None:
    rolled.kubectl("create", "serviceaccount", "reviewer", "-n", "default")
    rolled.kubectl(
        "create", "clusterrolebinding", "reviewer", "--clusterrole=view", "--serviceaccount=default:reviewer"
    )
    try:
        token = rolled.kubectl("create", "token", "reviewer", "-n", "default").strip()
        own = _kubeconfig(rolled, lambda config: config["users"][0].update(user={"token": token}))
        said = refusal(rolled, lambda sections: sections["cluster"].update(kubeconfig=own))
    finally:
        rolled.kubectl("delete", "clusterrolebinding/reviewer", "serviceaccount/reviewer", "-n", "default")
    assert "rights: the kubeconfig's user may not create, patch, delete statefulsets.apps" in said
    assert "may not get, list, watch, create, patch, delete secrets" in said
    assert "nodes: can't be checked, since the kubeconfig's user may not GET /api/v1/nodes" in said


def test_a_cluster_that_does_not_answer_is_told_from_one_that_the_kubeconfig_does_not_know(rolled: Checkout) -> None:
    away = _kubeconfig(rolled, lambda config: config["clusters"][0]["cluster"].update(server="https://127.0.0.1:9"))
    said = refusal(rolled, lambda sections: sections["cluster"].update(kubeconfig=away))
    assert "1 thing stands in the way" in said
    assert "reachable: the cluster of context 'sandbox' (https://127.0.0.1:9) doesn't answer" in said
    said = refusal(rolled, lambda sections: sections["cluster"].update(context="production"))
    assert "reachable: platform:cluster.context = 'production': allowed are the contexts of the kubeconfig" in said
    assert ": sandbox" in said


def _kubeconfig(checkout: Checkout, change: Callable[[Any], None]) -> str:
    """Return the path of a kubeconfig that differs from the sandbox's."""
    with open(checkout.environment["KUBECONFIG"]) as own:  # noqa: PTH123 - the path is text
        config = copy.deepcopy(yaml.safe_load(own))
    change(config)
    file = checkout.folder / "kubeconfig-changed"
    file.write_text(yaml.safe_dump(config))
    return str(file)


def test_nothing_of_all_this_changed_the_stack(rolled: Checkout) -> None:
    rolled.restore()
    rolled.pulumi("preview", "--expect-no-changes", "--refresh")

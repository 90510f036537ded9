"""The control plane's parts can be killed and started again, and workloads' requests are on record."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sandbox import cluster as control_plane
from sandbox.cluster import Cluster, control
from sandbox.toolchain import Toolchain
from tests.integration.sandbox.kubectl import Kubectl, eventually


@pytest.mark.parametrize("component", ["kube-apiserver", "etcd", "kube-controller-manager"])
def test_a_component_that_was_killed_is_started_again_with_its_data(
    kubectl: Kubectl, cluster: Cluster, toolchain: Toolchain, namespace: str, component: str
):
    killed = control.process(cluster, component)
    control.kill(cluster, component)
    assert not killed.is_running()
    assert control_plane.find(cluster.folder) is None
    with pytest.raises(control_plane.SandboxError, match=f"{component} does not run"):
        control.process(cluster, component)
    control.start(cluster, toolchain, component)
    assert control.process(cluster, component).pid != killed.pid
    assert control_plane.find(cluster.folder) == cluster
    assert kubectl("get", "namespace", namespace, "-o", "name").strip() == f"namespace/{namespace}"
    eventually(lambda: len(kubectl.items("nodes")) == 3, "served again")


def test_a_component_that_is_not_there_can_not_be_killed(cluster: Cluster):
    with pytest.raises(control_plane.SandboxError, match=r"No such component: 'kubelet'; allowed are etcd, .*kwok"):
        control.kill(cluster, "kubelet")


def test_a_component_can_be_frozen(kubectl: Kubectl, cluster: Cluster):
    server = control.process(cluster, "kube-apiserver")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        assert kubectl.run("get", "nodes", "--request-timeout=1s").returncode != 0
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert len(kubectl.items("nodes")) == 3


def test_what_a_service_account_asks_for_is_on_record_and_nobody_elses_requests_are(
    kubectl: Kubectl, cluster: Cluster, toolchain: Toolchain, namespace: str, tmp_path: Path
):
    token = kubectl("create", "token", "default", "-n", namespace).strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    own = tmp_path / "kubeconfig"
    own.write_text(yaml.safe_dump(config))
    refused = Kubectl(replace(cluster, kubeconfig=own), toolchain).run("get", "secrets", "-n", namespace)
    assert "forbidden" in refused.stderr
    events = [json.loads(line) for line in cluster.audit_log.read_text().splitlines()]
    mine = [
        (event["verb"], event["objectRef"]["resource"], event["responseStatus"]["code"])
        for event in events
        if event["user"]["username"] == f"system:serviceaccount:{namespace}:default" and "objectRef" in event
    ]
    assert mine == [("list", "secrets", 403)]
    assert not [event for event in events if not event["user"]["username"].startswith("system:serviceaccount:")]

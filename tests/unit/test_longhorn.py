"""Classes of Longhorn: their names, what stands beside the newest, and Longhorn's own objects."""

from typing import Any

import pytest

from tests.unit.declared import Declared, declare, stack_file

OLDER = {"version": 1, "replicas": 2, "reclaimPolicy": "Delete"}


def declared(environment: str = "dev", **longhorn: Any) -> Declared:
    sections = stack_file(environment)
    sections["longhorn"].update(longhorn)
    return declare(sections, stack_name=environment)


def classes(stack: Declared) -> dict[str, tuple[str, str]]:
    """Return the copies of each class, and whether it is the default."""
    return {
        r.object_name: (
            r.inputs["parameters"]["numberOfReplicas"],
            r.inputs["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"],
        )
        for r in stack.objects()
        if r.kind == "StorageClass"
    }


def test_a_new_version_stands_beside_the_older_class_and_is_the_only_default() -> None:
    stack = declared(classVersion=2, olderClasses=[OLDER])
    assert classes(stack) == {"longhorn-r3-v2": ("3", "true"), "longhorn": ("2", "false")}
    assert stack.exports["storage"] == {"storageClass": "longhorn-r3-v2"}
    assert stack.object("StorageClass", "longhorn").inputs["reclaimPolicy"] == "Delete"


def test_with_the_chart_every_class_has_a_versioned_name() -> None:
    stack = declared("prod", classVersion=2, olderClasses=[OLDER])
    assert set(classes(stack)) == {"longhorn-r3-v2", "longhorn-r2-v1"}


def test_every_class_lets_its_volumes_grow() -> None:
    stack = declared(classVersion=2, olderClasses=[OLDER])
    assert all(r.inputs["allowVolumeExpansion"] for r in stack.objects() if r.kind == "StorageClass")


@pytest.mark.parametrize(("zones", "apart"), [(1, None), (2, None), (3, "false")])
def test_copies_are_kept_apart_where_there_is_a_zone_for_each(zones: int, apart: str | None) -> None:
    sections = stack_file("prod")
    sections["cluster"]["zones"] = zones
    (chart,) = [c for c in declare(sections).of_type("kubernetes:helm.sh/v4:Chart") if c.name == "longhorn"]
    assert chart.inputs["values"]["defaultSettings"].get("replicaZoneSoftAntiAffinity") == apart


def test_with_the_chart_settings_and_backup_target_are_its_values(prod: Declared) -> None:
    (chart,) = [c for c in prod.of_type("kubernetes:helm.sh/v4:Chart") if c.name == "longhorn"]
    values = chart.inputs["values"]
    assert values["defaultSettings"]["nodeDrainPolicy"] == "block-for-eviction-if-contains-last-replica"
    assert values["defaultBackupStore"] == {
        "backupTarget": "s3://example-prod-longhorn@eu-central-1/",
        "backupTargetCredentialSecret": "longhorn-backup",
        "pollInterval": 300,
    }
    assert {r.kind for r in prod.objects()}.isdisjoint({"Setting", "BackupTarget"})


def test_without_the_chart_they_are_objects_that_outlive_the_stack() -> None:
    stack = declared(
        values={"nodeDrainPolicy": "always-allow"},
        backupTarget={"url": "nfs://backups.example.com:/longhorn", "pollSeconds": 3900},
    )
    assert stack.object("Setting", "node-drain-policy").inputs["value"] == "always-allow"
    target = stack.object("BackupTarget", "default")
    assert target.inputs["metadata"]["namespace"] == "longhorn-system"
    assert target.inputs["spec"] == {
        "backupTargetURL": "nfs://backups.example.com:/longhorn",
        "credentialSecret": "",
        "pollInterval": "1h5m0s",
    }

"""Archives, clones and copies of PostgreSQL, as the operator and the published image expect to be told of them."""

from typing import Any

import pytest

from tests.unit.declared import Declared, declare, everything, stack_file

MOMENT = "2026-11-22T08:00:00+00:00"


def declared(**postgres: Any) -> Declared:
    dev = stack_file("dev")
    return declare({**dev, "postgres": {**dev["postgres"], **postgres}})


def spec(declared: Declared, name: str = "pgsql-cluster") -> dict[str, Any]:
    return declared.object("postgresql", name).inputs["spec"]


def plain(spec: dict[str, Any]) -> dict[str, str]:
    """Return the variables that stand there in plain text."""
    return {each["name"]: each["value"] for each in spec["env"] if "value" in each}


def from_secrets(spec: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {each["name"]: each["valueFrom"]["secretKeyRef"] for each in spec["env"] if "valueFrom" in each}


def test_without_an_archive_no_variable_is_declared(dev: Declared) -> None:
    assert not {"env", "additionalVolumes", "clone"} & set(spec(dev))


def test_an_archive_at_aws_needs_a_bucket_only() -> None:
    found = spec(declared(walBackup={"bucket": "backups"}))
    assert plain(found) == {
        "USE_WALG_BACKUP": "true",
        "USE_WALG_RESTORE": "true",
        "WAL_S3_BUCKET": "backups",
        "WAL_BUCKET_SCOPE_PREFIX": "",
        "WAL_BUCKET_SCOPE_SUFFIX": "",
        "WALG_PREVENT_WAL_OVERWRITE": "true",
        "AWS_S3_FORCE_PATH_STYLE": "false",
        "BACKUP_SCHEDULE": "0 1 * * *",
        "BACKUP_NUM_TO_RETAIN": "7",
    }
    assert from_secrets(found) == {}
    assert "additionalVolumes" not in found


def test_storage_of_ones_own_is_told_with_login_and_authority() -> None:
    found = spec(declare(everything()))
    variables = plain(found)
    assert variables["WAL_S3_BUCKET"] == "backups/new"
    assert (variables["AWS_ENDPOINT"], variables["AWS_REGION"]) == ("https://s3.example.com:9443", "eu-central-1")
    assert variables["AWS_S3_FORCE_PATH_STYLE"] == "true"
    (volume,) = found["additionalVolumes"]
    assert volume["volumeSource"] == {"configMap": {"name": "authority.example.com"}}
    assert variables["WALG_S3_CA_CERT_FILE"] == f"{volume['mountPath']}/ca.crt"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert from_secrets(found)[name] == from_secrets(found)[f"CLONE_{name}"] == {"name": "backups", "key": name}


def test_a_clone_reads_the_others_archive_and_no_login_stands_in_the_spec() -> None:
    found = spec(declare(everything()))
    assert found["clone"] == {
        "cluster": "pgsql-old",
        "timestamp": MOMENT,
        "s3_wal_path": "s3://backups/old/spilo/pgsql-old/wal/15",
        "s3_endpoint": "https://s3.example.com:9443",
        "s3_force_path_style": True,
    }
    assert plain(found)["CLONE_AWS_REGION"] == "eu-central-1"


def test_a_copy_is_alone_reads_the_clusters_archive_and_writes_none() -> None:
    patroni = {"synchronousMode": True, "synchronousModeStrict": True}
    program = declared(
        patroni=patroni,
        walBackup={"bucket": "backups", "prefix": "lab", "credentialsSecret": "backups"},
        pooler={},
        copies={"pgsql-before": {"timestamp": MOMENT}},
    )
    found, original = spec(program, "pgsql-before"), spec(program)
    assert found["clone"]["cluster"] == "pgsql-cluster"
    assert found["clone"]["s3_wal_path"] == "s3://backups/lab/spilo/pgsql-cluster/wal/15"
    assert {each["name"] for each in found["env"]} == {"CLONE_AWS_ACCESS_KEY_ID", "CLONE_AWS_SECRET_ACCESS_KEY"}
    assert (found["numberOfInstances"], found["enableConnectionPooler"]) == (1, False)
    assert not found["patroni"]["synchronous_mode"]
    assert not found["patroni"]["synchronous_mode_strict"]
    assert "clone" not in original
    assert original["patroni"]["synchronous_mode_strict"]


def test_a_copy_may_go_where_the_cluster_is_protected() -> None:
    program = declared(walBackup={"bucket": "backups"}, copies={"pgsql-before": {"timestamp": MOMENT}})
    assert not program.object("postgresql", "pgsql-before").protect
    dev = stack_file("dev")
    changes = {"walBackup": {"bucket": "backups"}, "copies": {"pgsql-before": {"timestamp": MOMENT}}}
    program = declare({**dev, "protect": "true", "postgres": {**dev["postgres"], **changes}})
    assert program.object("postgresql", "pgsql-cluster").protect
    assert not program.object("postgresql", "pgsql-before").protect


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        (None, 443),
        ("https://s3.example.com:9443", 9443),
        ("https://s3.example.com", 443),
        ("http://s3.example.com", 80),
    ],
)
def test_the_pods_may_reach_the_port_of_the_storage(endpoint: str | None, port: int) -> None:
    backup = {"bucket": "backups", **({"endpoint": endpoint} if endpoint else {})}
    program = declared(walBackup=backup)
    policy = program.object("NetworkPolicy", "pgsql-cluster").inputs["spec"]
    assert {"ports": [{"protocol": "TCP", "port": port}]} in policy["egress"]

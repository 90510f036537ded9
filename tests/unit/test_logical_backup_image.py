"""The image of logical backups takes what the operator gives a pod, and refuses by name what it can't honour."""

from configparser import RawConfigParser
from typing import Any

import pytest

from sandbox.images.logical_backup.contract import Contract, parse
from sandbox.images.logical_backup.servers import best
from sandbox.images.logical_backup.storage import configuration, outdated
from sandbox.images.postgres.contract import ContractError

# As operator 1.15.1 gives them.
GIVEN = {
    "SCOPE": "pgsql-cluster",
    "CLUSTER_NAME_LABEL": "cluster-name",
    "POD_NAMESPACE": "postgres",
    "PG_VERSION": "15",
    "PGPORT": "5432",
    "PGUSER": "postgres",
    "PGDATABASE": "postgres",
    "PGSSLMODE": "require",
    "PGPASSWORD": "first-secret",
    "LOGICAL_BACKUP_PROVIDER": "s3",
    "LOGICAL_BACKUP_S3_BUCKET": "backups",
    "LOGICAL_BACKUP_S3_BUCKET_PREFIX": "spilo",
    "LOGICAL_BACKUP_S3_BUCKET_SCOPE_SUFFIX": "/5f5aa03f",
    "LOGICAL_BACKUP_S3_REGION": "eu-central-1",
    "LOGICAL_BACKUP_S3_ENDPOINT": "",
    "LOGICAL_BACKUP_S3_SSE": "AES256",
    "LOGICAL_BACKUP_S3_RETENTION_TIME": "",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "se%cret",
}


def parsed(**more: str) -> Contract:
    return parse({**GIVEN, **more})


def s3cmd(**more: str) -> dict[str, str]:
    parser = RawConfigParser()
    parser.read_string(configuration(parsed(**more)))
    return dict(parser["default"])


def member(name: str, role: str, node: str, address: str | None = "10.88.0.9") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"spilo-role": role}},
        "spec": {"nodeName": node},
        "status": {"podIP": address} if address else {},
    }


def test_backups_are_where_the_published_image_puts_them() -> None:
    assert (parsed().bucket, parsed().folder) == ("backups", "spilo/pgsql-cluster/5f5aa03f/logical_backups")


def test_without_an_endpoint_it_is_aws_and_the_bucket_a_host() -> None:
    assert s3cmd() == {
        "access_key": "key",
        "secret_key": "se%cret",
        "host_base": "s3.amazonaws.com",
        "host_bucket": "%(bucket)s.s3.amazonaws.com",
        "use_https": "True",
        "bucket_location": "eu-central-1",
        "server_side_encryption": "True",
    }


def test_another_storage_has_the_bucket_as_a_folder() -> None:
    settings = s3cmd(LOGICAL_BACKUP_S3_ENDPOINT="http://s3.example.com:9000", LOGICAL_BACKUP_S3_SSE="")
    assert (settings["host_base"], settings["host_bucket"]) == ("s3.example.com:9000", "s3.example.com:9000")
    assert (settings["use_https"], settings["server_side_encryption"]) == ("False", "False")


def test_a_replica_of_the_same_node_is_dumped_first_and_the_primary_last() -> None:
    primary, far, near = (
        member("a", "master", "node-1", "10.88.0.1"),
        member("b", "replica", "node-2", "10.88.0.2"),
        member("c", "replica", "node-1", "10.88.0.3"),
    )
    assert best([primary, far, near], "node-1") == "10.88.0.3"
    assert best([primary, far], "node-1") == "10.88.0.2"
    assert best([primary, member("b", "replica", "node-2", None)], "node-2") == "10.88.0.1"
    assert best([], "node-1") == ""


LISTING = """
2026-08-27 00:30        2211   s3://backups/folder/3.sql.gz
2026-08-26 00:30        2210   s3://backups/folder/2.sql.gz
2026-08-25 00:30        2209   s3://backups/folder/1.sql.gz
2026-08-28 00:30        2212   s3://backups/folder/4.sql.gz
""".strip()


@pytest.mark.parametrize(
    ("keep_since", "deleted"),
    [("2026-08-28", ["1", "2"]), ("2026-08-27", ["1"]), ("2026-08-26", []), ("2026-08-01", [])],
)
def test_of_what_is_too_old_the_newest_stays(keep_since: str, deleted: list[str]) -> None:
    assert outdated(LISTING, keep_since) == [f"s3://backups/folder/{each}.sql.gz" for each in deleted]


def test_an_age_is_one_that_date_knows() -> None:
    assert parsed(LOGICAL_BACKUP_S3_RETENTION_TIME="3 months").keep_since
    assert parsed().keep_since == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PG_VERSION", "17", "'17'; allowed is 15"),
        ("PGPASSWORD", "", "is missing"),
        ("AWS_ACCESS_KEY_ID", "", "is missing"),
        ("LOGICAL_BACKUP_PROVIDER", "gcs", "'gcs'; allowed is s3"),
        ("LOGICAL_BACKUP_S3_SSE", "aws:kms", "'aws:kms'; allowed is AES256 or nothing"),
        ("LOGICAL_BACKUP_S3_ENDPOINT", "s3.example.com", "'s3.example.com'; allowed is http(s)://"),
        ("LOGICAL_BACKUP_S3_RETENTION_TIME", "a while", "'a while'; allowed is an age"),
        ("LOGICAL_BACKUP_AZURE_STORAGE_CONTAINER", "backups", "not supported here; supported are LOGICAL_BACKUP_"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(ContractError) as refused:
        parsed(**{name: value})
    assert name in str(refused.value)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)

"""The database image takes the variables of the published one for archives and clones, and hands them to pgBackRest."""

import configparser
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.images.postgres.contract import parse
from sandbox.images.postgres.patroni import configuration
from sandbox.images.postgres.pgbackrest import files
from tests.unit.test_postgres_image import GIVEN, configured, refusal

LOGIN = {"AWS_ACCESS_KEY_ID": "fourth-secret", "AWS_SECRET_ACCESS_KEY": "fifth%secret"}
TRUST = {"WALG_S3_CA_CERT_FILE": "/etc/wal-backup/ca.crt"}
ARCHIVE = {
    "USE_WALG_BACKUP": "true",
    "USE_WALG_RESTORE": "true",
    "WALG_PREVENT_WAL_OVERWRITE": "true",
    "WAL_S3_BUCKET": "backups/lab",
    "WAL_BUCKET_SCOPE_PREFIX": "",
    "WAL_BUCKET_SCOPE_SUFFIX": "",
    "AWS_ENDPOINT": "https://s3.example.com:9443",
    "AWS_S3_FORCE_PATH_STYLE": "true",
    "BACKUP_SCHEDULE": "0 1 * * *",
    "BACKUP_NUM_TO_RETAIN": "7",
    **LOGIN,
    **TRUST,
}
# As operator 1.15.1 gives them for `spec.clone`, and those of `spec.env`.
CLONE = {
    "CLONE_SCOPE": "pgsql-cluster",
    "CLONE_METHOD": "CLONE_WITH_WALE",
    "CLONE_WALE_S3_PREFIX": "s3://backups/lab/spilo/pgsql-cluster/wal/15",
    "CLONE_TARGET_TIME": "2026-11-22T08:00:00.25+01:00",
    "CLONE_WAL_BUCKET_SCOPE_PREFIX": "",
    "CLONE_AWS_ENDPOINT": "https://s3.example.com:9443",
    "CLONE_WALE_S3_ENDPOINT": "https://s3.example.com:9443",
    "CLONE_AWS_S3_FORCE_PATH_STYLE": "1",
    **{f"CLONE_{name}": value for name, value in {**LOGIN, **TRUST}.items()},
}


def written(name: str, **variables: str) -> dict[str, dict[str, str]]:
    """Return one of pgBackRest's configuration files, read back."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(
        files(parse({**GIVEN, **variables}, "pgsql-cluster-0"), Path("/scratch"))[Path("/scratch") / name]
    )
    return {section: dict(parser[section]) for section in parser.sections()}


def test_without_a_bucket_nothing_is_archived() -> None:
    patroni = configured()
    assert "archive_mode" not in patroni["postgresql"]["parameters"]
    assert "recovery_conf" not in patroni["postgresql"]
    assert "method" not in patroni["bootstrap"]
    assert files(parse(GIVEN, "pgsql-cluster-0"), Path("/scratch")) == {}


def test_with_a_bucket_the_server_archives_and_replicas_read_from_there() -> None:
    section = configured(**ARCHIVE)["postgresql"]
    assert section["parameters"]["archive_mode"] == "on"
    assert section["parameters"]["archive_command"].startswith('pgbackrest archive-push "%p" ')
    assert section["recovery_conf"] == {"restore_command": 'pgbackrest archive-get "%f" "%p"'}


def test_a_setting_of_the_database_goes_over_what_archives_bring() -> None:
    configuration = {"postgresql": {"parameters": {"archive_timeout": "60s"}}}
    section = configured(**ARCHIVE, SPILO_CONFIGURATION=json.dumps(configuration))["postgresql"]
    assert (section["parameters"]["archive_timeout"], section["parameters"]["archive_mode"]) == ("60s", "on")


def test_the_archives_place_is_that_of_the_published_image() -> None:
    section = written("archive.conf", **ARCHIVE)["global"]
    assert (section["repo1-s3-bucket"], section["repo1-path"]) == ("backups", "/lab/spilo/pgsql-cluster/wal/15")
    assert (section["repo1-s3-endpoint"], section["repo1-storage-port"]) == ("s3.example.com", "9443")
    assert (section["repo1-s3-uri-style"], section["repo1-s3-region"]) == ("path", "us-east-1")
    without_prefix = {name: value for name, value in ARCHIVE.items() if name != "WAL_BUCKET_SCOPE_PREFIX"}
    assert written("archive.conf", **without_prefix)["global"]["repo1-path"].startswith("/lab/spilo/postgres-pgsql-")
    whole = {**ARCHIVE, "WALG_S3_PREFIX": "s3://other/elsewhere/"}
    assert written("archive.conf", **whole)["global"]["repo1-path"] == "/elsewhere"


def test_without_an_endpoint_it_is_that_of_aws_in_the_region() -> None:
    at_aws = {name: value for name, value in ARCHIVE.items() if name not in {"AWS_ENDPOINT", "AWS_S3_FORCE_PATH_STYLE"}}
    section = written("archive.conf", **at_aws, AWS_REGION="eu-central-1")["global"]
    assert section["repo1-s3-endpoint"] == "s3.eu-central-1.amazonaws.com"
    assert (section["repo1-storage-port"], section["repo1-s3-uri-style"]) == ("443", "host")


@pytest.mark.parametrize(("given", "days"), [("7", "7"), ("1", "2"), ("", "5")])
def test_backups_are_kept_for_days_and_never_for_fewer_than_two(given: str, days: str) -> None:
    section = written("archive.conf", **{**ARCHIVE, "BACKUP_NUM_TO_RETAIN": given})["global"]
    assert (section["repo1-retention-full-type"], section["repo1-retention-full"]) == ("time", days)


def test_a_clone_is_filled_up_to_its_moment_from_the_others_archive() -> None:
    bootstrap = configured(**ARCHIVE, **CLONE)["bootstrap"]
    method = bootstrap[bootstrap["method"]]
    # In the form that pgBackRest chooses a backup by; given another one, it takes the latest backup.
    moment = "2026-11-22 08:00:00.250000+01:00"
    assert f"--type=time --target='{moment}'" in method["command"]
    assert method["recovery_conf"]["recovery_target_time"] == moment
    assert method["recovery_conf"]["restore_command"] == 'pgbackrest --config=/scratch/clone.conf archive-get "%f" "%p"'
    source, own = written("clone.conf", **ARCHIVE, **CLONE), written("archive.conf", **ARCHIVE, SCOPE="copy")
    assert source["global"]["repo1-path"] == "/lab/spilo/pgsql-cluster/wal/15"
    assert own["global"]["repo1-path"] == "/lab/spilo/copy/wal/15"
    assert source["global"]["repo1-s3-key-secret"] == "fifth%secret"
    # What is only read is never thinned out.
    assert "repo1-retention-full" not in source["global"]


WRONG = {
    "AWS_ACCESS_KEY_ID is missing: a pod's role can't be used here": {"AWS_ACCESS_KEY_ID": ""},
    "WALG_S3_CA_CERT_FILE is missing: this image trusts no authority by itself": {"WALG_S3_CA_CERT_FILE": ""},
    "AWS_ENDPOINT is http://s3:80; only https is supported here": {"AWS_ENDPOINT": "http://s3:80"},
    "USE_WALG_BACKUP is false; only true is supported here": {"USE_WALG_BACKUP": "false"},
    "BACKUP_NUM_TO_RETAIN is a week; it is a number of days": {"BACKUP_NUM_TO_RETAIN": "a week"},
    "WALG_S3_PREFIX is no s3://<bucket>/<path>": {"WALG_S3_PREFIX": "gs://backups"},
    "WALG_DELTA_MAX_STEPS is not supported here (archive of WAL)": {"WALG_DELTA_MAX_STEPS": "3"},
    "AWS_ROLE_ARN is not supported here (object storage)": {"AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
    "CLONE_METHOD is CLONE_WITH_BASEBACKUP; only CLONE_WITH_WALE is supported here": {
        "CLONE_METHOD": "CLONE_WITH_BASEBACKUP"
    },
    "CLONE_HOST is not supported here (clone)": {"CLONE_HOST": "pgsql-cluster"},
    "CLONE_TARGET_TIME: '2026-11-22T08:00:00' has no offset from UTC": {"CLONE_TARGET_TIME": "2026-11-22T08:00:00"},
}


@pytest.mark.parametrize("said", WRONG)
def test_what_pgbackrest_does_otherwise_is_refused_by_name(said: str) -> None:
    assert refusal(**{**ARCHIVE, **CLONE, **WRONG[said]}) == said


def test_a_clone_that_archives_nothing_is_filled_all_the_same() -> None:
    patroni = configured(**CLONE)
    assert patroni["bootstrap"]["method"] in patroni["bootstrap"]
    assert "archive_mode" not in patroni["postgresql"]["parameters"]


def test_a_clone_of_nowhere_is_refused() -> None:
    nowhere: dict[str, Any] = {name: value for name, value in CLONE.items() if name != "CLONE_WALE_S3_PREFIX"}
    assert "CLONE_METHOD is set, but none of CLONE_WALG_S3_PREFIX" in refusal(**ARCHIVE, **nowhere)


def test_no_login_is_in_a_refusal_or_in_patronis_configuration() -> None:
    assert "secret" not in refusal(**{**ARCHIVE, **CLONE, "AWS_ENDPOINT": "http://s3", "PGVERSION": "17"})
    contract = parse({**GIVEN, **ARCHIVE, **CLONE}, "pgsql-cluster-0")
    patroni = configuration(contract, Path("/scratch"), ("/scratch/server.crt", "/scratch/server.key"))
    assert not [value for value in LOGIN.values() if value in json.dumps(patroni)]

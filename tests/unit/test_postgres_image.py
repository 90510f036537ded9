"""The database image takes what the operator gives a pod, and refuses by name what it can't honour."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.images.postgres.contract import MAJOR, ContractError, parse
from sandbox.images.postgres.patroni import configuration
from sandbox.images.recipes import BY_NAME

# As operator 1.15.1 gives them, the database's own settings apart.
GIVEN = {
    "SCOPE": "pgsql-cluster",
    "PGROOT": "/home/postgres/pgdata/pgroot",
    "POD_IP": "10.88.0.9",
    "POD_NAMESPACE": "postgres",
    "PGUSER_SUPERUSER": "postgres",
    "KUBERNETES_SCOPE_LABEL": "cluster-name",
    "KUBERNETES_ROLE_LABEL": "spilo-role",
    "PGPASSWORD_SUPERUSER": "first-secret",
    "PGUSER_STANDBY": "standby",
    "PGPASSWORD_STANDBY": "second-secret",
    "PAM_OAUTH2": "https://info.example.com/oauth2/tokeninfo?access_token= uid realm=/employees",
    "HUMAN_ROLE": "zalandos",
    "PGVERSION": MAJOR,
    "KUBERNETES_LABELS": '{"application":"spilo"}',
    "DCS_ENABLE_KUBERNETES_API": "true",
    "KUBERNETES_BOOTSTRAP_LABELS": '{"critical-operation":"true"}',
}
SPILO = {
    "postgresql": {"parameters": {"shared_buffers": "32MB"}, "pg_hba": ["hostssl all all all scram-sha-256"]},
    "bootstrap": {
        "initdb": [{"auth-host": "md5"}, {"auth-local": "trust"}],
        "dcs": {"ttl": 20, "synchronous_mode": True, "postgresql": {"parameters": {"max_connections": "50"}}},
    },
}


def configured(**more: str) -> dict[str, Any]:
    contract = parse({**GIVEN, **more}, "pgsql-cluster-0")
    return configuration(contract, Path("/scratch"), ("/scratch/server.crt", "/scratch/server.key"))


def refusal(**more: str) -> str:
    with pytest.raises(ContractError) as refused:
        configured(**more)
    return str(refused.value)


def test_a_pod_finds_its_cluster_by_the_operators_names_and_labels():
    patroni = configured()
    assert (patroni["scope"], patroni["name"]) == ("pgsql-cluster", "pgsql-cluster-0")
    kubernetes = patroni["kubernetes"]
    assert (kubernetes["namespace"], kubernetes["labels"]) == ("postgres", {"application": "spilo"})
    assert (kubernetes["scope_label"], kubernetes["role_label"]) == ("cluster-name", "spilo-role")
    assert patroni["postgresql"]["connect_address"] == "10.88.0.9:5432"
    assert patroni["postgresql"]["data_dir"] == "/home/postgres/pgdata/pgroot/data"


def test_the_leader_is_kept_in_endpoints_unless_config_maps_are_asked_for():
    assert configured()["kubernetes"]["use_endpoints"] is True
    assert "use_endpoints" not in configured(KUBERNETES_USE_CONFIGMAPS="true")["kubernetes"]


def test_the_operators_configuration_is_laid_over_ours():
    patroni = configured(SPILO_CONFIGURATION=json.dumps(SPILO))
    assert patroni["bootstrap"]["dcs"]["ttl"] == 20
    assert patroni["bootstrap"]["dcs"]["postgresql"]["use_pg_rewind"] is True
    parameters = patroni["bootstrap"]["dcs"]["postgresql"]["parameters"]
    assert parameters == {"wal_compression": "on", "wal_log_hints": "on", "max_connections": "50"}
    assert patroni["postgresql"]["parameters"]["shared_buffers"] == "32MB"
    assert patroni["postgresql"]["parameters"]["ssl"] == "on"
    assert patroni["postgresql"]["pg_hba"] == ["hostssl all all all scram-sha-256"]


def test_what_initdb_is_asked_for_comes_after_our_own():
    initdb = configured(SPILO_CONFIGURATION=json.dumps(SPILO))["bootstrap"]["initdb"]
    assert initdb == [
        {"encoding": "UTF8"},
        {"locale": "C.UTF-8"},
        "data-checksums",
        {"auth-host": "md5"},
        {"auth-local": "trust"},
    ]


def test_over_the_network_nobody_comes_in_without_tls_and_password():
    lines = configured()["postgresql"]["pg_hba"]
    assert lines.index("hostnossl all all all reject") < lines.index("hostssl all all all md5")
    assert not [line for line in lines if line.startswith("host") and line.endswith("trust")]


def test_another_version_is_refused():
    assert refusal(PGVERSION="17") == f"PGVERSION is 17; this image holds PostgreSQL {MAJOR} only"
    older = {"postgresql": {"bin_dir": "/usr/lib/postgresql/14/bin"}}
    assert "bin_dir is /usr/lib/postgresql/14/bin" in refusal(SPILO_CONFIGURATION=json.dumps(older))
    assert BY_NAME["postgres"].version == MAJOR


@pytest.mark.parametrize(
    "name",
    [
        "WAL_GS_BUCKET",
        "WALG_AZ_PREFIX",
        "CLONE_HOST",
        "STANDBY_HOST",
        "AWS_INSTANCE_PROFILE",
        "LOG_S3_BUCKET",
        "SCALYR_API_KEY",
        "ETCD_HOST",
        "CALLBACK_SCRIPT",
        "PGLOCALE",
    ],
)
def test_what_the_image_has_no_tools_for_is_refused_by_name(name: str):
    assert f"{name} is not supported here" in refusal(**{name: "something"})


def test_pam_is_refused_and_the_operators_own_variable_for_it_is_not():
    with_pam = {"postgresql": {"pg_hba": ["hostssl all +zalandos all pam"]}}
    assert "hostssl all +zalandos all pam" in refusal(SPILO_CONFIGURATION=json.dumps(with_pam))
    assert configured()["scope"] == "pgsql-cluster"


def test_variables_that_kubernetes_makes_for_a_service_are_no_settings():
    service = {"LOG_STORE_SERVICE_HOST": "10.96.0.7", "LOG_STORE_SERVICE_PORT": "80", "LOG_STORE_PORT": "tcp://x:80"}
    assert configured(**service)["scope"] == "pgsql-cluster"


def test_all_that_is_wrong_is_said_at_once():
    said = refusal(SCOPE="", PGVERSION="16", KUBERNETES_LABELS="{", SSL_CERTIFICATE_FILE="/tls/tls.crt").splitlines()
    assert [line.split()[0] for line in said] == ["SCOPE", "PGVERSION", "SSL_CERTIFICATE_FILE", "KUBERNETES_LABELS"]


def test_no_secret_is_in_a_refusal():
    assert "secret" not in refusal(PGVERSION="17", CLONE_PASSWORD="third-secret")


def test_the_roles_are_there_that_the_operator_makes_others_members_of():
    roles = configured()["bootstrap"]["users"]
    assert roles == {"admin": {"options": ["CREATEDB", "NOLOGIN"]}, "zalandos": {"options": ["NOLOGIN"]}}

"""The pooler's image takes what the operator gives a pod, and refuses by name what it can't honour."""

from configparser import ConfigParser
from pathlib import Path

import pytest

from sandbox.images.pgbouncer.configuration import configuration, users
from sandbox.images.pgbouncer.contract import ContractError, parse

# As operator 1.15.1 gives them for 20 connections and two instances.
GIVEN = {
    "PGHOST": "pgsql-cluster",
    "PGPORT": "5432",
    "PGUSER": "pooler",
    "PGSCHEMA": "pooler",
    "PGPASSWORD": "first-secret",
    "CONNECTION_POOLER_PORT": "5432",
    "CONNECTION_POOLER_MODE": "transaction",
    "CONNECTION_POOLER_DEFAULT_SIZE": "5",
    "CONNECTION_POOLER_MIN_SIZE": "2",
    "CONNECTION_POOLER_RESERVE_SIZE": "2",
    "CONNECTION_POOLER_MAX_CLIENT_CONN": "10000",
    "CONNECTION_POOLER_MAX_DB_CONN": "10",
}
TLS = {
    "CONNECTION_POOLER_CLIENT_TLS_CRT": "/tls/tls.crt",
    "CONNECTION_POOLER_CLIENT_TLS_KEY": "/tls/tls.key",
    "CONNECTION_POOLER_CLIENT_CA_FILE": "/tls/ca.crt",
}


def configured(**more: str) -> ConfigParser:
    contract = parse({**GIVEN, **more})
    certificate = contract.certificate_files or ("/scratch/server.crt", "/scratch/server.key")
    parser = ConfigParser(delimiters="=", interpolation=None)
    parser.read_string(configuration(contract, Path("/scratch/users.txt"), certificate))
    return parser


def refusal(**more: str) -> str:
    with pytest.raises(ContractError) as refused:
        configured(**more)
    return str(refused.value)


def test_every_database_is_reached_at_the_operators_address_and_passwords_are_asked_for_there() -> None:
    ini = configured()
    assert ini["databases"]["*"] == "host=pgsql-cluster port=5432 auth_user=pooler"
    assert ini["pgbouncer"]["auth_query"] == "SELECT uname, phash FROM pooler.user_lookup($1)"
    assert ini["pgbouncer"]["auth_file"] == "/scratch/users.txt"


def test_port_mode_and_sizes_are_the_operators() -> None:
    section = configured(CONNECTION_POOLER_MODE="session", CONNECTION_POOLER_PORT="6432")["pgbouncer"]
    assert (section["pool_mode"], section["listen_port"]) == ("session", "6432")
    sizes = ("default_pool_size", "min_pool_size", "reserve_pool_size", "max_client_conn", "max_db_connections")
    assert [section[size] for size in sizes] == ["5", "2", "2", "10000", "10"]


def test_both_sides_are_encrypted_and_with_an_authority_the_database_is_checked() -> None:
    plain, given = configured()["pgbouncer"], configured(**TLS)["pgbouncer"]
    assert (plain["client_tls_sslmode"], plain["server_tls_sslmode"]) == ("require", "require")
    assert (given["client_tls_cert_file"], given["client_tls_key_file"]) == ("/tls/tls.crt", "/tls/tls.key")
    assert (given["server_tls_sslmode"], given["server_tls_ca_file"]) == ("verify-ca", "/tls/ca.crt")


def test_a_password_of_any_signs_is_one_word_of_the_logins() -> None:
    assert users(parse({**GIVEN, "PGPASSWORD": "a \"b' c"})) == '"pooler" "a ""b\' c"\n'


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CONNECTION_POOLER_MODE", "statement", "'statement'; allowed is session or transaction"),
        ("CONNECTION_POOLER_MAX_DB_CONN", "many", "'many'; allowed is a whole number"),
        ("CONNECTION_POOLER_QUERY_TIMEOUT", "5", "not supported here; supported are CONNECTION_POOLER_CLIENT_CA_FILE"),
        ("PGHOST", "a user=b", "has a space"),
        ("PGPASSWORD", "", "is missing"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(name: str, value: str, said: str) -> None:
    refused = refusal(**{name: value})
    assert refused.startswith(f"{name} ")
    assert said in refused
    assert "secret" not in refused


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = refusal(PGUSER="", CONNECTION_POOLER_PORT="x", CONNECTION_POOLER_CLIENT_TLS_CRT="/tls/tls.crt").splitlines()
    assert [line.split()[0] for line in said] == [
        "PGUSER",
        "CONNECTION_POOLER_PORT",
        "CONNECTION_POOLER_CLIENT_TLS_CRT",
    ]


def test_a_service_whose_name_begins_like_a_variable_of_the_database_is_no_setting() -> None:
    assert configured(PGSQL_CLUSTER_SERVICE_HOST="10.96.0.7")["pgbouncer"]["listen_port"] == "5432"

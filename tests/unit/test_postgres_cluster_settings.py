"""What is wrong with a further PostgreSQL cluster is named by its key, and so is a name that can't be."""

from typing import Any

import pytest

from components import settings
from tests.unit.declared import as_config, stack_file
from tests.unit.test_settings import faults

LEAST: dict[str, Any] = {"version": "17", "users": {"shop": []}, "databases": {"orders": "shop"}}
COPIES = {"walBackup": {"bucket": "backups"}, "copies": {"before": {"timestamp": "2026-11-22T08:00:00+00:00"}}}
OF_SHOP = "platform:postgres.clusters.shop"

# Keys of the further cluster `shop` in place of the least ones, and the whole line that a user must read.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no major": ({"version": None}, f"{OF_SHOP}.version is missing: Major of PostgreSQL."),
    "no users": (
        {"users": None},
        f"{OF_SHOP}.users is missing: Roles and their attributes; the operator makes a Secret for each.",
    ),
    "no databases": (
        {"databases": {}},
        f"{OF_SHOP}.databases = {{}}: allowed is one database or more, of which the first is exported",
    ),
    "an owner of the main cluster": (
        {"databases": {"orders": "dbuser"}},
        f"{OF_SHOP}.databases.orders = 'dbuser': allowed is one of users: shop",
    ),
    "a major that the operator doesn't know": (
        {"version": "9"},
        f"{OF_SHOP}.version = '9': allowed is one of 14, 15, 16, 17, 18, which operator 2.0 knows",
    ),
    "too few instances": (
        {"instances": 1, "patroni": {"synchronousMode": True}},
        f"{OF_SHOP}.instances = 1: allowed is 2 or more with this synchronous mode",
    ),
    "more connections than there are": (
        {"pooler": {"maxDbConnections": 100}},
        f"{OF_SHOP}.pooler.maxDbConnections = 100: allowed is less than max_connections, 100, of all clients",
    ),
    "a login of nobody": (
        {"passwordRotation": {"inPlaceUsers": ["dbuser"]}},
        f"{OF_SHOP}.passwordRotation.inPlaceUsers = 'dbuser': allowed is one of shop, standby, pooler",
    ),
    "the operator's rotation": (
        {"passwordRotation": {"allUsers": True}},
        f"{OF_SHOP}.passwordRotation.allUsers = True: allowed is one of the keys users, inPlaceUsers, ignoredUsers",
    ),
    "the operator's storage of dumps": (
        {"logicalBackup": {"bucket": "shops"}},
        f"{OF_SHOP}.logicalBackup.bucket = 'shops': allowed is one of the keys schedule, retention",
    ),
    "dumps that have no place": (
        {"logicalBackup": {}},
        f"{OF_SHOP}.logicalBackup = '30 0 * * *': "
        "allowed is given together with postgres.logicalBackup, which says where backups go",
    ),
    "a clone of no archive": (
        {"clone": {"cluster": "old", "timestamp": "2026-11-22T08:00:00+00:00"}},
        f"{OF_SHOP}.clone = 'old': allowed is given together with walBackup, whose storage is read",
    ),
    "a clone that would write where it reads": (
        {"walBackup": {"bucket": "backups"}, "clone": {"cluster": "shop", "timestamp": "2026-11-22T08:00:00+00:00"}},
        f"{OF_SHOP}.clone.path = 'spilo/shop/wal/17': "
        "allowed is an archive that this cluster doesn't write: another prefix",
    ),
}

# Names of further clusters and the line about them; the main cluster is `pgsql-cluster`, with a copy `before`.
TAKEN = {
    "pgsql-cluster": "clusters.pgsql-cluster = 'pgsql-cluster': allowed is another name: "
    "'pgsql-cluster' is among the names of cluster 'pgsql-cluster' already",
    "before": "copies.before = 'before': allowed is another name: "
    "'before' is among the names of cluster 'before' already",
    "pgsql-cluster-repl": "clusters.pgsql-cluster-repl = 'pgsql-cluster-repl': allowed is another name: "
    "'pgsql-cluster-repl' is among the names of cluster 'pgsql-cluster' already",
    "pgsql-cluster-pooler": "clusters.pgsql-cluster-pooler = 'pgsql-cluster-pooler': allowed is another name: "
    "'pgsql-cluster-pooler' is among the names of cluster 'pgsql-cluster' already",
    "before-repl": "copies.before = 'before': allowed is another name: "
    "'before-repl' is among the names of cluster 'before-repl' already",
    "7up": "clusters.7up = '7up': allowed is a name of up to 47 characters that starts with a letter",
    "a" * 48: f"clusters.{'a' * 48} = '{'a' * 48}': allowed is a name of up to 47 characters that starts with a letter",
}


@pytest.mark.parametrize(("changes", "line"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_named_with_the_clusters_key(changes: dict[str, Any], line: str) -> None:
    shop = {key: value for key, value in {**LEAST, **changes}.items() if value is not None}
    assert faults({"postgres": {"clusters": {"shop": shop}}}) == [line]


@pytest.mark.parametrize("key", ["operatorImage", "operatorVersion", "namespace", "poolerImage", "chart", "name"])
def test_what_is_the_operators_is_no_key_of_a_further_cluster(key: str) -> None:
    (line,) = faults({"postgres": {"clusters": {"shop": {**LEAST, key: "any"}}}})
    assert line.startswith(f"{OF_SHOP}.{key} = 'any': allowed is one of the keys ")
    assert key not in line.partition("one of the keys ")[2].split(", ")


@pytest.mark.parametrize(("name", "line"), TAKEN.items())
def test_a_name_whose_objects_would_be_anothers_is_refused(name: str, line: str) -> None:
    assert faults({"postgres": {**COPIES, "clusters": {name: LEAST}}}) == [f"platform:postgres.{line}"]


def test_copies_of_two_clusters_can_not_have_one_name() -> None:
    (line,) = faults({"postgres": {**COPIES, "clusters": {"shop": {**LEAST, **COPIES}}}})
    assert line.startswith(f"{OF_SHOP}.copies.before = 'before': allowed is another name: ")


def test_without_longhorn_every_cluster_names_a_class() -> None:
    volume = {"volume": {"storageClass": "fast"}}
    clusters = {"shop": LEAST, "report": {**LEAST, **volume}}
    sections = {"longhorn": {"enabled": False}, "redis": volume, "postgres": {**volume, "clusters": clusters}}
    allowed = "allowed is the name of a StorageClass of the cluster, since longhorn.enabled is false"
    assert faults(sections) == [f"{OF_SHOP}.volume.storageClass = None: {allowed}"]


def test_a_dump_needs_no_place_where_the_operator_has_one() -> None:
    postgres = {"operator": "existing", "clusters": {"shop": {**LEAST, "logicalBackup": {}}}}
    assert settings.parse(as_config({**stack_file("dev"), "postgres": postgres})).postgres.clusters["shop"]

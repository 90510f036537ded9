"""Wrong settings are all reported at once, each with its key, its value and what is allowed."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from components import settings
from components.fields import quantity_value
from components.settings_schema import stack_schema
from tests.unit.declared import ROOT, as_config, stack_file

ENVIRONMENTS = ("dev", "staging", "prod")


def faults(changes: dict[str, Any], *, secrets: set[str] | None = None) -> list[str]:
    """Return the reported faults of the dev settings with whole sections replaced."""
    with pytest.raises(settings.SettingsError) as caught:
        settings.parse(as_config({**stack_file("dev"), **changes}), secrets=secrets)
    headline, *lines = str(caught.value).splitlines()
    assert headline == f"{len(lines)} settings are wrong; nothing was changed" or (
        headline == "1 setting is wrong; nothing was changed" and len(lines) == 1
    )
    return [line.strip() for line in lines]


CLUSTER = {"context": "sandbox"}

# Sections in place of dev's, and the whole line that a user must read.
WRONG = {
    "unknown section": (
        {"rediss": {}},
        "platform:rediss = '{}': allowed is one of the sections "
        "protect, cluster, preflight, calico, longhorn, postgres, redis, websites, memcached, samples",
    ),
    "unknown key": (
        {"cluster": {**CLUSTER, "nodez": 3}},
        "platform:cluster.nodez = 3: allowed is one of the keys "
        "context, kubeconfig, identifier, nodes, zones, domain, podCidr, serviceCidr",
    ),
    "unknown key of a nested mapping": (
        {"redis": {"volume": {"sise": "1Gi"}}},
        "platform:redis.volume.sise = '1Gi': allowed is one of the keys size, storageClass",
    ),
    "missing key": (
        {"websites": {"sites": {"kubia": {}}}},
        "platform:websites.sites.kubia.gitRepo is missing: "
        "URL of the Git repository to serve: https, ssh, git or user@host:path.",
    ),
    "wrong type": (
        {"redis": {"instances": "three"}},
        "platform:redis.instances = 'three': allowed is a valid integer",
    ),
    "number given as text": (
        {"redis": {"instances": "3"}},
        "platform:redis.instances = '3': allowed is a valid integer",
    ),
    "text in place of a list": (
        {"postgres": {"users": {"dbuser": "superuser"}}},
        "platform:postgres.users.dbuser = 'superuser': allowed is a valid list",
    ),
    "section that is no mapping": (
        {"longhorn": "yes please"},
        "platform:longhorn = 'yes please': allowed is a mapping with the keys reclaimPolicy, dataLocality, "
        "fsType, operator, chart, enabled, replicas, classVersion, olderClasses, defaultClass, "
        "deletingConfirmation, values, recurringJobs, "
        "backupTarget",
    ),
    "protect that is no boolean": ({"protect": "maybe"}, "platform:protect = 'maybe': allowed is true or false"),
    "a check that preflight doesn't have": (
        {"preflight": {"skip": {"weather": "it rains"}}},
        "platform:preflight.skip.weather = 'weather': allowed is 'reachable', 'owner', 'version', 'nodes', "
        "'addresses', 'default-class', 'crds', 'rights', 'pools', 'classes', 'volumes', 'database' or 'removals'",
    ),
    "a check skipped without a reason": (
        {"preflight": {"skip": {"nodes": " "}}},
        "platform:preflight.skip.nodes = ' ': allowed is a reason, for those who read it later",
    ),
    "malformed CIDR": (
        {"calico": {"ipPools": [{"cidr": "172.31.0.0/33"}]}},
        "platform:calico.ipPools[0].cidr = '172.31.0.0/33': "
        "allowed is an IPv4 network such as 172.31.0.0/16, with no host bits set",
    ),
    "overlapping pools": (
        {"calico": {"ipPools": [{"name": "a"}, {"name": "b", "cidr": "172.31.128.0/17"}]}},
        "platform:calico.ipPools[1].cidr = '172.31.128.0/17': "
        "allowed is a network that doesn't overlap pool 'a', 172.31.0.0/16",
    ),
    "pool in the service network": (
        {"calico": {"ipPools": [{"cidr": "10.96.0.0/16"}]}},
        "platform:calico.ipPools[0].cidr = '10.96.0.0/16': "
        "allowed is a network outside cluster.serviceCidr 10.96.0.0/12",
    ),
    "pool outside the pod network": (
        {"cluster": {**CLUSTER, "podCidr": "10.244.0.0/16"}},
        "platform:calico.ipPools[0].cidr = '172.31.0.0/16': allowed is a network inside cluster.podCidr 10.244.0.0/16",
    ),
    "pod network in the service network": (
        {"cluster": {**CLUSTER, "podCidr": "10.96.0.0/16"}, "calico": {"enabled": False}},
        "platform:cluster.podCidr = '10.96.0.0/16': allowed is a network outside serviceCidr 10.96.0.0/12",
    ),
    "blockSize too small": (
        {"calico": {"ipPools": [{"blockSize": 19}]}},
        "platform:calico.ipPools[0].blockSize = 19: allowed is 20 to 32",
    ),
    "blockSize too large": (
        {"calico": {"ipPools": [{"blockSize": 33}]}},
        "platform:calico.ipPools[0].blockSize = 33: allowed is 20 to 32",
    ),
    "blockSize wider than the pool": (
        {"calico": {"ipPools": [{"cidr": "172.31.0.0/24", "blockSize": 22}]}},
        "platform:calico.ipPools[0].blockSize = 22: allowed is the prefix length of cidr 172.31.0.0/24 or more",
    ),
    "no pool": (
        {"calico": {"ipPools": []}},
        "platform:calico.ipPools = []: allowed is a list of 1 to 25 pools",
    ),
    "more connections by the pooler than the server has": (
        {"postgres": {"pooler": {"maxDbConnections": 100}}},
        "platform:postgres.pooler.maxDbConnections = 100: allowed is less than max_connections, 100, of all clients",
    ),
    "a file of a certificate that no key can be": (
        {"postgres": {"tls": {"secret": "pgsql-tls", "caFile": "/tls/ca.crt"}}},
        "platform:postgres.tls.caFile = '/tls/ca.crt': "
        "allowed is a key of the Secret: letters, digits, '-', '_' and '.', or null",
    ),
    "a password that changes for nobody": (
        {"postgres": {"passwordRotation": {"inPlaceUsers": ["nobody"]}}},
        "platform:postgres.passwordRotation.inPlaceUsers = 'nobody': allowed is one of dbuser, standby, pooler",
    ),
    "an owner who gets another login": (
        {"postgres": {"passwordRotation": {"users": ["dbuser"]}}},
        "platform:postgres.passwordRotation.users = 'dbuser': "
        "allowed is no owner of a database: what another login makes would not be the owner's",
    ),
    "a login that ends before the next one begins": (
        {"postgres": {"passwordRotation": {"interval": 90, "retention": 100}}},
        "platform:postgres.passwordRotation.retention = 100: "
        "allowed is 180 or more, two intervals: a login must outlive the next one's beginning",
    ),
    "passwords of an operator that isn't ours": (
        {"postgres": {"operator": "existing", "passwordRotation": {"allUsers": True}}},
        "platform:postgres.passwordRotation.allUsers = True: allowed is false with operator: existing",
    ),
    "more poolers than connections": (
        {"postgres": {"pooler": {"instances": 6, "maxDbConnections": 20}}},
        "platform:postgres.pooler.maxDbConnections = 20: allowed is 24 or more, 4 for each of instances 6",
    ),
    "more volume copies than nodes": (
        {"longhorn": {"operator": "existing", "replicas": 4}},
        "platform:longhorn.replicas = 4: allowed is at most cluster.nodes, 3: further copies could never be placed",
    ),
    "bad cron": (
        {"longhorn": {"recurringJobs": [{"name": "j", "task": "snapshot", "cron": "daily"}]}},
        "platform:longhorn.recurringJobs[0].cron = 'daily': "
        "allowed is a cron schedule of five fields such as '30 0 * * *'",
    ),
    "two jobs of one name": (
        {"longhorn": {"recurringJobs": [{"name": "j", "task": "snapshot", "cron": "0 1 * * *"}] * 2}},
        "platform:longhorn.recurringJobs[1].name = 'j': allowed is a name that no other job has",
    ),
    "an older class that is newer": (
        {"longhorn": {"olderClasses": [{"version": 2, "replicas": 3}]}},
        "platform:longhorn.olderClasses[0].version = 2: "
        "allowed is a version below classVersion, 1, that no other class has",
    ),
    "backups to nowhere": (
        {"longhorn": {"operator": "chart", "recurringJobs": [{"name": "j", "task": "backup", "cron": "0 1 * * *"}]}},
        "platform:longhorn.recurringJobs[0].task = 'backup': allowed is another task without backupTarget",
    ),
    "backups to an address of no kind": (
        {"longhorn": {"backupTarget": {"url": "https://example.com/"}}},
        "platform:longhorn.backupTarget.url = 'https://example.com/': "
        "allowed is an address by s3://, nfs://, cifs:// or azblob://",
    ),
    "more zones than nodes": (
        {"cluster": {**CLUSTER, "zones": 4}},
        "platform:cluster.zones = 4: allowed is at most nodes, 3",
    ),
    "Postgres version that the operator's CRD doesn't know": (
        {"postgres": {"operatorVersion": "1.15.1", "version": "18"}},
        "platform:postgres.version = '18': allowed is one of 13, 14, 15, 16, 17, which operator 1.15 knows",
    ),
    "unknown operator version": (
        {"postgres": {"operatorVersion": "0.9.0"}},
        "platform:postgres.operatorVersion = '0.9.0': allowed is a release of 1.14, 1.15, 2.0",
    ),
    "synchronous mode without a standby": (
        {"postgres": {"instances": 1, "patroni": {"synchronousMode": True}}},
        "platform:postgres.instances = 1: allowed is 2 or more with this synchronous mode",
    ),
    "strict synchronous mode with one standby": (
        {"postgres": {"instances": 2, "patroni": {"synchronousMode": True, "synchronousModeStrict": True}}},
        "platform:postgres.instances = 2: allowed is 3 or more with this synchronous mode",
    ),
    "strict without synchronous mode": (
        {"postgres": {"patroni": {"synchronousModeStrict": True}}},
        "platform:postgres.patroni.synchronousModeStrict = True: allowed is false while synchronousMode is false",
    ),
    "lease shorter than its renewal": (
        {"postgres": {"patroni": {"ttl": 20}}},
        "platform:postgres.patroni.ttl = 20: allowed is 30 or more (loopWait + 2 * retryTimeout)",
    ),
    "database of an unknown user": (
        {"postgres": {"databases": {"defaultdb": "nobody"}}},
        "platform:postgres.databases.defaultdb = 'nobody': allowed is one of users: dbuser",
    ),
    "database that is prepared and not": (
        {"postgres": {"preparedDatabases": {"defaultdb": {}}}},
        "platform:postgres.preparedDatabases.defaultdb = 'defaultdb': allowed is a name that is not in databases too",
    ),
    "operator's image without a tag": (
        {"postgres": {"operatorImage": "registry.example.com/postgres-operator"}},
        "platform:postgres.operatorImage = 'registry.example.com/postgres-operator': allowed is "
        "<registry>/<repository>:<tag>",
    ),
    "size that is no quantity": (
        {"postgres": {"volume": {"size": "1GB"}}},
        "platform:postgres.volume.size = '1GB': allowed is a Kubernetes quantity such as 500m, 512Mi or 1Gi",
    ),
    "name that is no DNS label": (
        {"postgres": {"name": "pgsql_cluster"}},
        "platform:postgres.name = 'pgsql_cluster': "
        "allowed is a DNS label: 1 to 63 of a-z, 0-9 and '-', first and last a letter or digit",
    ),
    "backup without a bucket": (
        {"postgres": {"operator": "chart", "logicalBackup": {}}},
        "platform:postgres.logicalBackup.bucket = None: allowed is the name of a bucket, with operator: chart",
    ),
    "archive without a bucket": (
        {"postgres": {"walBackup": {}}},
        "platform:postgres.walBackup.bucket is missing: Bucket of the archive.",
    ),
    "archive on a storage that is no URL": (
        {"postgres": {"walBackup": {"bucket": "backups", "endpoint": "s3.example.com"}}},
        "platform:postgres.walBackup.endpoint = 's3.example.com': allowed is http(s)://<host>[:<port>]",
    ),
    "archive that is kept for a day": (
        {"postgres": {"walBackup": {"bucket": "backups", "retentionDays": 1}}},
        "platform:postgres.walBackup.retentionDays = 1: allowed is 2 or more",
    ),
    "folder with a slash at its end": (
        {"postgres": {"walBackup": {"bucket": "backups", "prefix": "lab/"}}},
        "platform:postgres.walBackup.prefix = 'lab/': "
        "allowed is a folder such as backups/postgres, with no slash at either end",
    ),
    "clone from a storage that isn't named": (
        {"postgres": {"clone": {"cluster": "pgsql-old", "timestamp": "2026-11-22T08:00:00+00:00"}}},
        "platform:postgres.clone = 'pgsql-old': allowed is given together with walBackup, whose storage is read",
    ),
    "clone of a moment without an offset": (
        {
            "postgres": {
                "walBackup": {"bucket": "backups"},
                "clone": {"cluster": "x", "timestamp": "2026-11-22T08:00:00Z"},
            }
        },
        "platform:postgres.clone.timestamp = '2026-11-22T08:00:00Z': "
        "allowed is a moment with its offset, such as 2026-11-22T08:00:00+00:00",
    ),
    "clone that would write where it reads": (
        {
            "postgres": {
                "version": "15",
                "walBackup": {"bucket": "backups"},
                "clone": {"cluster": "pgsql-cluster", "timestamp": "2026-11-22T08:00:00+00:00"},
            }
        },
        "platform:postgres.clone.path = 'spilo/pgsql-cluster/wal/15': "
        "allowed is an archive that this cluster doesn't write: another prefix",
    ),
    "copy out of no archive": (
        {"postgres": {"copies": {"before": {"timestamp": "2026-11-22T08:00:00+00:00"}}}},
        "platform:postgres.copies = ['before']: allowed is given together with walBackup, whose storage is read",
    ),
    "copy in place of the cluster": (
        {
            "postgres": {
                "walBackup": {"bucket": "backups"},
                "copies": {"pgsql-cluster": {"timestamp": "2026-11-22T08:00:00+00:00"}},
            }
        },
        "platform:postgres.copies.pgsql-cluster = 'pgsql-cluster': allowed is another name: "
        "'pgsql-cluster' is among the names of cluster 'pgsql-cluster' already",
    ),
    "volume too small for the append-only file": (
        {"redis": {"volume": {"size": "500Mi"}}},
        "platform:redis.volume.size = '500Mi': "
        "allowed is twice resources.memory 256Mi or more, for the rewrite of the append-only file",
    ),
    "website name too long for its Service": (
        {"websites": {"sites": {"a" * 56: {"gitRepo": "https://example.com/r.git"}}}},
        f"platform:websites.sites.{'a' * 56} = '{'a' * 56}': "
        "allowed is a name of up to 55 characters that starts with a letter",
    ),
    "website name that no Service may have": (
        {"websites": {"sites": {"7up": {"gitRepo": "https://example.com/r.git"}}}},
        "platform:websites.sites.7up = '7up': allowed is a name of up to 55 characters that starts with a letter",
    ),
    "git repository with a password": (
        {"websites": {"sites": {"kubia": {"gitRepo": "https://user:hunter2@example.com/r.git"}}}},
        "platform:websites.sites.kubia.gitRepo = 'https://user:[secret]@example.com/r.git': allowed is "
        "https://host/path, git://host/path, ssh://[user@]host/path or user@host:path, without a password",
    ),
    "controller among the websites": (
        {"websites": {"controller": {"namespace": "websites"}}},
        "platform:websites.controller.namespace = 'websites': "
        "allowed is another namespace than that of the Websites, 'websites'",
    ),
    "controller among the memcacheds": (
        {"memcached": {"controller": {"namespace": "memcached"}}},
        "platform:memcached.controller.namespace = 'memcached': "
        "allowed is another namespace than that of the Memcacheds, 'memcached'",
    ),
    "memory too small for memcached": (
        {"memcached": {"resources": {"cpu": "50m", "memory": "32Mi"}}},
        "platform:memcached.resources.memory = '32Mi': allowed is 64Mi or more",
    ),
    "memcached that no Service could be named after": (
        {"memcached": {"instances": {"1st": {"size": 1}}}},
        "platform:memcached.instances.1st = '1st': allowed is a name that starts with a letter",
    ),
    "fewer than no memcached nodes": (
        {"memcached": {"instances": {"sessions": {"size": -1}}}},
        "platform:memcached.instances.sessions.size = -1: allowed is 0 to 2147483647",
    ),
    "sample that is no whole number": (
        {"samples": {"samples": {"somedata": {"value": 1.5}}}},
        "platform:samples.samples.somedata.value = 1.5: allowed is a valid integer",
    ),
}


@pytest.mark.parametrize(("changes", "line"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(changes: dict[str, Any], line: str) -> None:
    assert faults(changes) == [line]


def test_components_that_need_storage_say_so_when_longhorn_is_off() -> None:
    allowed = "allowed is the name of a StorageClass of the cluster, since longhorn.enabled is false"
    assert faults({"longhorn": {"enabled": False}}) == [
        f"platform:postgres.volume.storageClass = None: {allowed}",
        f"platform:redis.volume.storageClass = None: {allowed}",
    ]


def test_all_faults_of_all_sections_are_reported_together() -> None:
    lines = faults(
        {
            "cluster": {"nodes": 0},
            "calico": {"ipPools": [{"blockSize": 33, "cidr": "nowhere"}]},
            "redis": {"instances": 0, "typo": 1},
            "postgres": {"version": "9", "instances": -1},
        }
    )
    keys = {line.split(" ")[0] for line in lines}
    assert keys == {
        "platform:cluster.context",
        "platform:cluster.nodes",
        "platform:calico.ipPools[0].blockSize",
        "platform:calico.ipPools[0].cidr",
        "platform:redis.instances",
        "platform:redis.typo",
        "platform:postgres.instances",
    }


def test_values_of_secret_sections_are_not_shown() -> None:
    (line,) = faults({"redis": {"image": "ok", "instances": "hunter2"}}, secrets={"redis"})
    assert line == "platform:redis.instances = [secret]: allowed is a valid integer"


def test_long_values_are_cut() -> None:
    (line,) = faults({"postgres": {"name": "x" * 500}})
    assert len(line) < 250


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_stack_file_is_valid_and_names_every_section(environment: str) -> None:
    sections = stack_file(environment)
    settings.parse(as_config(sections))
    assert set(sections) == {settings.PROTECT, *settings.SECTIONS}


def test_roles_have_the_attributes_that_a_stack_file_lists() -> None:
    postgres = {**stack_file("dev")["postgres"], "users": {"dbuser": ["superuser"], "shop": []}}
    parsed = settings.parse(as_config({**stack_file("dev"), "postgres": postgres}))
    assert parsed.postgres.users == {"dbuser": ("superuser",), "shop": ()}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_stack_file_matches_the_schema_that_editors_use(environment: str) -> None:
    text = (ROOT / f"Pulumi.{environment}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=schema/stack.schema.json\n")
    jsonschema.validate(yaml.safe_load(text), stack_schema())


def test_the_schema_refuses_what_the_settings_refuse() -> None:
    for wrong in ({"instances": 0}, {"instancez": 1}, {"volume": {"size": "1GB"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"config": {"platform:cluster": CLUSTER, "platform:redis": wrong}}, stack_schema())


def test_the_schema_file_is_current() -> None:
    assert json.loads((ROOT / "schema/stack.schema.json").read_text()) == stack_schema(), "run `make schema`"


def test_the_project_file_describes_every_section() -> None:
    config = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    described = {key.removeprefix("platform:"): entry for key, entry in config.items() if key.startswith("platform:")}
    assert set(described) == {settings.PROTECT, *settings.SECTIONS}
    assert all(entry["description"] and "default" not in entry for entry in described.values())


@pytest.mark.parametrize(
    ("text", "value"), [("1Gi", 1024**3), ("500m", 0.5), ("2", 2), ("1.5k", 1500), ("1M", 10**6), ("1Ei", 1024**6)]
)
def test_quantities_have_their_kubernetes_value(text: str, value: float) -> None:
    assert float(quantity_value(text)) == value

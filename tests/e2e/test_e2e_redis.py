"""Redis as a client in another namespace uses it: by the exported host names and the exported Secret."""

import base64
import uuid

import pytest

from tests.e2e.conftest import Platform


class Client:
    """redis-cli in a pod of another namespace."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.connection = platform.outputs["redis"]
        where = self.connection["passwordSecret"]
        secret = platform.get("secret", where["name"], where["namespace"])
        self._password = base64.b64decode(secret["data"][where["key"]]).decode()

    def ask(self, host: str, *command: str) -> str:
        port = str(self.connection["port"])
        # The password goes in by a variable: as an argument it would stand in the process list.
        script = 'read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec redis-cli "$@"'
        user = ["--user", self.connection["username"]]
        shell = ["sh", "-c", script, "sh", "--no-auth-warning", *user, "-h", host, "-p", port, *command]
        return self._platform.client(*shell, stdin=f"{self._password}\n").stdout.strip()


@pytest.fixture
def redis(platform: Platform) -> Client:
    return Client(platform)


def test_every_exported_host_answers_ping(redis: Client) -> None:
    members = redis.connection["sentinel"]["hosts"]
    assert len(members) == 3
    hosts = [redis.connection["host"], *redis.connection["replicaHosts"], *members]
    assert {host: redis.ask(host, "PING") for host in hosts} == dict.fromkeys(hosts, "PONG")


def test_a_write_on_the_primary_is_read_on_every_member(platform: Platform, redis: Client) -> None:
    key, value = f"e2e:{uuid.uuid4()}", str(uuid.uuid4())
    assert redis.ask(redis.connection["host"], "SET", key, value) == "OK"
    for member in (*redis.connection["replicaHosts"], *redis.connection["sentinel"]["hosts"]):
        platform.eventually(lambda host=member: redis.ask(host, "GET", key) == value, f"{key} on {member}", 10)
    redis.ask(redis.connection["host"], "DEL", key)


def test_without_the_password_nothing_is_answered(platform: Platform, redis: Client) -> None:
    host, port = redis.connection["host"], str(redis.connection["port"])
    assert "NOAUTH" in platform.client("redis-cli", "-h", host, "-p", port, "GET", "anything").stdout

"""Runs the program against a monitor that records what it declares: inputs, options and exports."""

import asyncio
import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never

import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_pulumi_func

from components import settings, stack

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Resource:
    """One registration, as the engine would see it."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    custom: bool
    protect: bool
    parent: str
    depends_on: tuple[str, ...]
    ignore_changes: tuple[str, ...]
    hooks: tuple[str, ...]

    @property
    def kind(self) -> str:
        return str(self.inputs.get("kind", self.type.split(":")[-1]))

    @property
    def object_name(self) -> str:
        return str(self.inputs["metadata"]["name"])


@dataclass
class Declared:
    """All that one run declared."""

    resources: list[Resource] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)

    def objects(self) -> Iterator[Resource]:
        """Yield the Kubernetes objects."""
        return (r for r in self.resources if r.custom and r.type.startswith("kubernetes:") and "metadata" in r.inputs)

    def object(self, kind: str, name: str) -> Resource:
        """Return one Kubernetes object by kind and physical name."""
        found = [r for r in self.objects() if (r.kind, r.object_name) == (kind, name)]
        assert len(found) == 1, f"{kind}/{name}: {len(found)} of {[(r.kind, r.object_name) for r in self.objects()]}"
        return found[0]

    def of_type(self, token: str) -> list[Resource]:
        return [r for r in self.resources if r.type == token]


@contextmanager
def own_loop() -> Generator[asyncio.AbstractEventLoop]:
    """Give this thread a loop and close it after: a mock monitor in a worker thread would leave its own open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Answers(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        # As long as asked for, since a component may take parts of it.
        made = (
            {"result": ("made-up-password" * 64)[: int(args.inputs["length"])]}
            if args.typ.endswith("RandomPassword")
            else {}
        )
        return f"{args.name}-id", {**args.inputs, **made}

    def call(self, args: MockCallArgs) -> Never:
        raise AssertionError(f"the program calls {args.token}")


class _Recorder(MockMonitor):
    def __init__(self, declared: Declared) -> None:
        super().__init__(_Answers())
        self._declared = declared

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        with own_loop():
            response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            hooks = request.hooks
            self._declared.resources.append(
                Resource(
                    urn=response.urn,
                    type=request.type,
                    name=request.name,
                    inputs=_plain(json_format.MessageToDict(request.object)),
                    custom=request.custom,
                    protect=request.protect,
                    parent=request.parent,
                    depends_on=tuple(request.dependencies),
                    ignore_changes=tuple(request.ignoreChanges),
                    hooks=(*hooks.before_create, *hooks.before_update),
                )
            )
        return response


def _plain(value: Any) -> Any:
    """Unwrap secrets and make whole floats, which protobuf has for all numbers, integers again."""
    if isinstance(value, dict):
        if "4dabf18193072939515e22adb298388d" in value:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def stack_file(name: str) -> dict[str, Any]:
    """Return the sections of Pulumi.<name>.yaml without the project's prefix."""
    config = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
    return {key.removeprefix("platform:"): value for key, value in config.items()}


def as_config(sections: Mapping[str, Any]) -> dict[str, str]:
    """Return sections as the engine hands them over: JSON text."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in sections.items()}


def everything() -> dict[str, Any]:
    """Return sections that ask for every kind of object that isn't a chart's."""
    sections = stack_file("dev")
    sections["calico"].update(
        apiServer=True,
        mtu=1400,
        nodeAddress={"kubernetes": "NodeInternalIP"},
        felix={
            "logSeverity": "Warning",
            "prometheusMetrics": True,
            "wireguard": True,
            "defaultEndpointToHostAction": "Accept",
            "iptablesBackend": "NFT",
        },
        defaultDeny={},
    )
    sections["longhorn"].update(
        classVersion=2,
        olderClasses=[{"version": 1, "replicas": 3, "reclaimPolicy": "Delete"}],
        values={"nodeDrainPolicy": "always-allow", "replicaZoneSoftAntiAffinity": False},
        backupTarget={"url": "nfs://backups.example.com:/", "credentialsSecret": "backups"},
        recurringJobs=[{"name": "j", "task": "snapshot", "cron": "0 1 * * *"}],
    )
    sections["redis"].update(backup={})
    sections["postgres"].update(
        pooler={"resources": {"cpu": "50m", "memory": "64Mi"}},
        tls={"secret": "pgsql-tls"},
        passwordRotation={"inPlaceUsers": ["dbuser", "pooler"]},
        logicalBackup={"bucket": "backups", "retention": "3 months"},
        walBackup={
            "bucket": "backups",
            "prefix": "new",
            "region": "eu-central-1",
            "endpoint": "https://s3.example.com:9443",
            "forcePathStyle": True,
            "credentialsSecret": "backups",
            "caConfigMap": "authority.example.com",
        },
        clone={"cluster": "pgsql-old", "timestamp": "2026-11-22T08:00:00+00:00", "path": "old/spilo/pgsql-old/wal/15"},
        copies={"pgsql-before": {"timestamp": "2026-11-22T08:00:00+00:00"}},
        parameters={"max_connections": "200"},
        preparedDatabases={"shop": {"extensions": {"citext": "public"}, "schemas": {"data": {}}}},
        pgHba=["local all all trust", "hostssl all all all scram-sha-256"],
    )
    return sections


def with_shop(sections: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the sections with a further PostgreSQL cluster ``shop``, of the least settings and these."""
    postgres = sections["postgres"]
    shop = {"version": postgres["version"], "users": {"shop_app": []}, "databases": {"orders": "shop_app"}, **changes}
    return {**sections, "postgres": {**postgres, "clusters": {"shop": shop}}}


def declare(sections: Mapping[str, Any], *, stack_name: str = "dev") -> Declared:
    """Run the whole program with these settings and return what it declares."""
    declared = Declared()
    with own_loop() as loop:
        set_mocks(
            _Answers(), "platform", stack_name, preview=False, monitor=_Recorder(declared), organization="organization"
        )
        loop.run_until_complete(run_pulumi_func(lambda: stack.build(settings.parse(as_config(sections)))))
        outputs = pulumi.runtime.get_root_resource().outputs  # type: ignore[union-attr]
        for name, value in outputs.items():
            declared.exports[name] = loop.run_until_complete(pulumi.Output.from_input(value).future())
    return declared

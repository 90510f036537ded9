"""A namespace, the controllers that watch it, and a proxy for each of them."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from controllers.runtime.rules import ELECTION_RULES
from tests.faults.controllers.api import (
    NAMESPACES,
    Api,
    Cluster,
    Object,
    RefusedError,
    Resource,
    kinds_with,
    policy_rules,
    write_kubeconfig,
)
from tests.faults.controllers.calls import Call, is_named_after
from tests.faults.controllers.proxy import Proxy, open_proxy
from tests.faults.controllers.subjects import PROJECT, Subject

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

ACCOUNT = "controller"
# Generous, since it only costs time when something fails, and machines that run tests are busy.
TIMEOUT = 90.0
# Seconds without a write after which a controller is taken to be at rest; its first retry comes after 0.5.
QUIET = 0.7
# Seconds between two looks.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
# Not there yet; an API server that has just started or is busy.
PASSING = (404, 429, 500, 503)

SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")
SECRETS = Resource("", "v1", "secrets")
ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings")

T = TypeVar("T")


async def eventually(check: Callable[[], Awaitable[T]], patience: float = TIMEOUT) -> T:
    """Repeat ``check`` until it neither asserts nor is refused for the time being, and return its result."""
    end = time.monotonic() + patience
    pause = SHORTEST_PAUSE
    while True:
        try:
            return await check()
        except (AssertionError, RefusedError, aiohttp.ClientConnectionError) as error:
            if (isinstance(error, RefusedError) and error.code not in PASSING) or time.monotonic() > end:
                raise
        await asyncio.sleep(pause)
        # What takes long takes longer if it is asked all the time.
        pause = min(1.5 * pause, LONGEST_PAUSE)


class Controller:
    """A controller's process, behind a proxy of its own that outlives it."""

    def __init__(self, lab: Lab, proxy: Proxy, number: int, arguments: Sequence[str]) -> None:
        self._lab = lab
        self._arguments = arguments
        self._kubeconfig = lab.folder / f"kubeconfig-{number}"
        self._log = lab.folder / f"log-{number}"
        self._process: asyncio.subprocess.Process | None = None
        self.proxy = proxy
        write_kubeconfig(self._kubeconfig, proxy.url, lab.cluster.authority, lab.token_file)

    async def start(self) -> None:
        """Start the process; a new one of it every time."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "KUBECONFIG": str(self._kubeconfig),
            "WATCH_NAMESPACE": self._lab.namespace,
            "HEALTH_ADDRESS": "127.0.0.1:0",
            **self._lab.subject.environment,
        }
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", self._lab.subject.module, *self._arguments),
                cwd=PROJECT,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def started(self) -> None:
        """Wait until it watches every kind that it may watch, and rests."""
        wanted = {kind.plural for kind in await self._lab.kinds("watch")}

        async def watching() -> None:
            assert self.alive, f"the controller has ended:\n{self.log()[-2000:]}"
            assert self.proxy.watched >= wanted, f"it watches {self.proxy.watched}, not {wanted}"

        await eventually(watching)
        await self.rest()

    async def rest(self, seconds: float = QUIET) -> None:
        """Wait until it has written nothing for a while and waits for no answer."""
        start = time.monotonic()

        async def resting() -> None:
            assert not self.proxy.open
            assert time.monotonic() - max(start, self.proxy.last_write) > seconds, "it goes on writing"

        await eventually(resting)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """Kill the process at once; fine when it is dead."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process
        self._process.send_signal(number)

    async def ended(self, patience: float = 20) -> int:
        """Wait until the process has ended and return its exit code."""
        assert self._process
        return await asyncio.wait_for(self._process.wait(), patience)

    async def restart(self) -> None:
        """Kill the process and start another one."""
        self.kill()
        await self.ended()
        await self.start()

    def log(self) -> str:
        """Return what all its processes have logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""


class Lab:
    """A namespace in which one kind of objects lives."""

    def __init__(self, cluster: Cluster, api: Api, subject: Subject, folder: Path) -> None:
        self.cluster = cluster
        self.api = api
        self.subject = subject
        self.namespace = f"{subject.name}-{secrets.token_hex(4)}"
        self.folder = folder / self.namespace
        self.folder.mkdir()
        self.controllers: list[Controller] = []
        self._stack = AsyncExitStack()

    @property
    def token_file(self) -> Path:
        """The token that controllers present."""
        return self.folder / "token"

    @property
    def controller(self) -> Controller:
        """The first controller."""
        return self.controllers[0]

    async def prepare(self) -> None:
        """Make the namespace, the controller's account with its rights in production, and a token."""
        await self.api.create(NAMESPACES, "", {"metadata": {"name": self.namespace}})
        await self.grant()
        await self.renew_token()

    async def grant(self) -> None:
        """Make the account, Role and RoleBinding."""
        metadata = {"name": ACCOUNT}
        rules = policy_rules((*self.subject.rules, *ELECTION_RULES))
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.namespace}
        await self.api.create(SERVICE_ACCOUNTS, self.namespace, {"metadata": metadata})
        await self.api.create(ROLES, self.namespace, {"metadata": metadata, "rules": rules})
        binding: Object = {"metadata": metadata, "roleRef": role, "subjects": [subject]}
        await self.api.create(ROLE_BINDINGS, self.namespace, binding)

    async def kinds(self, verb: str) -> list[Resource]:
        """Return the kinds that the controller may use this verb on, of those that are served here."""
        return await kinds_with(self.api, self.subject.rules, verb)

    async def renew_token(self, bound_to: str = "") -> None:
        """Write a new token into the token file; one that is bound to a Secret dies with it."""
        spec: Object = {"audiences": [], "expirationSeconds": 3600}
        if bound_to:
            secret = await self.api.create(SECRETS, self.namespace, {"metadata": {"name": bound_to}})
            uid = secret["metadata"]["uid"]
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Secret", "name": bound_to, "uid": uid}
        request: Object = {"metadata": {"name": ACCOUNT}, "spec": spec}
        answer = await self.api.create(SERVICE_ACCOUNTS, self.namespace, request, "token")
        self.token_file.write_text(answer["status"]["token"])

    async def gone(self, patience: float = TIMEOUT) -> None:
        """Wait until the namespace, which was deleted, is gone."""

        async def check() -> None:
            assert not await self.api.find(NAMESPACES, "", self.namespace), f"{self.namespace} is still there"

        await eventually(check, patience)

    async def start(self, *arguments: str) -> Controller:
        """Start a controller with a proxy of its own, and wait until it watches."""
        proxy = await self._stack.enter_async_context(open_proxy(self.cluster))
        controller = Controller(self, proxy, len(self.controllers), arguments)
        self.controllers.append(controller)
        await controller.start()
        await controller.started()
        return controller

    async def create(self, name: str, spec: Mapping[str, Any]) -> Object:
        """Create an object of the controller's kind."""
        manifest = self.subject.manifest(name, self.subject.named(spec, name))
        return await self.api.create(self.subject.resource, self.namespace, manifest)

    async def change(self, name: str, spec: Mapping[str, Any]) -> Object:
        """Change fields of the spec; None takes one away."""
        return await self.api.patch(self.subject.resource, self.namespace, name, {"spec": spec})

    async def scale(self, name: str, count: int) -> None:
        """Scale by the subresource, as ``kubectl scale`` and an autoscaler do."""
        body: Object = {"spec": {"replicas": count}}
        await self.api.patch(self.subject.resource, self.namespace, name, body, subresource="scale")

    async def delete(self, name: str) -> None:
        """Delete an object of the controller's kind, and wait until it is gone."""
        await self.api.delete(self.subject.resource, self.namespace, name)

        async def gone() -> None:
            assert not await self.api.find(self.subject.resource, self.namespace, name)

        await eventually(gone)

    async def condition(self, name: str, kind: str = "Ready") -> Object:
        """Return a condition of an object; asserts that it speaks of the newest spec."""
        found = await self.api.get(self.subject.resource, self.namespace, name)
        conditions = {each["type"]: each for each in found.get("status", {}).get("conditions", [])}
        assert kind in conditions, f"{name} has no condition {kind}"
        assert conditions[kind]["observedGeneration"] == found["metadata"]["generation"], f"{kind} of {name} is old"
        return conditions[kind]

    async def ready(self, name: str, patience: float = TIMEOUT) -> None:
        """Wait until an object is Ready, with all of its newest spec rolled out."""

        async def check() -> None:
            ready, progressing = await self.condition(name), await self.condition(name, "Progressing")
            assert ready["status"] == "True", f"{name} is not Ready: {ready}"
            assert progressing["status"] == "False", f"{name} is not rolled out: {progressing}"

        await eventually(check, patience)

    async def close(self) -> None:
        """Kill the controllers and let the namespace go."""
        for controller in self.controllers:
            controller.kill()
            await controller.ended()
        await self._stack.aclose()
        await self.api.delete(NAMESPACES, "", self.namespace)


@asynccontextmanager
async def open_lab(cluster: Cluster, api: Api, subject: Subject, folder: Path) -> AsyncGenerator[Lab]:
    """Make a lab whose controllers aren't started yet."""
    lab = Lab(cluster, api, subject, folder)
    try:
        await lab.prepare()
        yield lab
    finally:
        await lab.close()


def of_name(name: str) -> Callable[[Call], bool]:
    """Choose calls for objects of this name and those that are named after it."""
    return lambda call: is_named_after(call.name, name)

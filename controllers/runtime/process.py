"""The process of a controller: watches enqueue keys, workers reconcile them, signals end it."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Protocol

import httpx2
import kopf
from lightkube import AsyncClient
from lightkube.core.resource import NamespacedResource, api_info

from controllers.runtime.children import metadata_of
from controllers.runtime.connection import api_client, load_config, watch_session
from controllers.runtime.keys import Body, Key, KeyOf, own_key
from controllers.runtime.options import Options
from controllers.runtime.work_queue import WorkQueue

# Seconds that running work may take after SIGTERM; Kubernetes kills after 30 by default.
SHUTDOWN_GRACE = 10.0
NOT_SERVED_PAUSE = 2.0

# Seconds a watch may take to connect; kopf would wait as long as for a whole answer, 5 minutes.
CONNECT_TIMEOUT = 10.0


class WatchBackoff:
    """Seconds between a watch's tries, for ever: an API server that is away must not end the process.

    kopf takes any iterable and gives up at its end, after less than a minute by default.
    """

    def __iter__(self) -> Iterator[float]:
        return chain((1.0, 1.0, 2.0, 3.0, 5.0), repeat(10.0))


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """A kind whose events say which keys to look at; ``labels`` narrow it down on the server."""

    resource: type[NamespacedResource]
    key_of: KeyOf
    labels: Mapping[str, str]


class Controller(Protocol):
    """What a controller brings: its kind, its children's kinds and the work itself."""

    @property
    def name(self) -> str:
        """Return the name that the API server knows it by: its field manager."""
        ...

    @property
    def kind(self) -> type[NamespacedResource]:
        """Return the kind it reconciles."""
        ...

    @property
    def children(self) -> Sequence[Watch]:
        """Return what else to watch."""
        ...

    async def reconcile(self, client: AsyncClient, key: Key) -> None:
        """Make what is what should be. It is idempotent, and raising means: try again later."""
        ...


def run(controller: Controller, options: Options) -> None:
    """Run ``controller`` until SIGTERM or SIGINT; an error that no retry can mend is raised."""
    kopf.configure(log_format=kopf.LogFormat.JSON, verbose=options.log_level == "DEBUG")
    logging.getLogger().setLevel(options.log_level)
    # At INFO these log every request, every event and every probe.
    for chatty in ("httpx2", "aiohttp.access", "kopf.objects", "kopf.activities"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    asyncio.run(_serve(controller, options))


async def _serve(controller: Controller, options: Options) -> None:
    config = load_config(options.kubeconfig)
    async with api_client(config, controller.name) as client:
        await _wait_until_served(client, controller.kind, options.namespaces)
        queue = WorkQueue[Key](partial(controller.reconcile, client), workers=options.workers)
        resync = asyncio.create_task(_resync(client, controller.kind, options, queue), name="resync")
        try:
            # kopf cancels every task that was made after its start when it ends; those above it leaves alone.
            await kopf.operator(
                registry=_registry(controller, queue, login=partial(watch_session, config)),
                settings=_settings(controller.children),
                standalone=True,
                namespaces=options.namespaces,
                liveness_endpoint=health_endpoint(options.health),
            )
        finally:
            resync.cancel()
            await queue.close(SHUTDOWN_GRACE)
    logger.info("stopped")


def health_endpoint(address: str) -> str:
    """Return the URL of the health endpoint; port 0 is any free one, which kopf would take for 80."""
    host, _, port = address.rpartition(":")
    if int(port) == 0:
        with socket.socket() as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
    return f"http://{host}:{port}/healthz"


async def _wait_until_served(client: AsyncClient, kind: type[NamespacedResource], namespaces: tuple[str, ...]) -> None:
    """Wait for the CRD and the right to list it: kopf looks for kinds only once."""
    for namespace in namespaces:
        while True:
            try:
                async for _ in client.list(kind, namespace=namespace):
                    break
            except httpx2.HTTPError as error:
                logger.warning("can't list %s in %s yet: %s", api_info(kind).plural, namespace, error)
                await asyncio.sleep(NOT_SERVED_PAUSE)
            else:
                break


async def _resync(client: AsyncClient, kind: type[NamespacedResource], options: Options, queue: WorkQueue[Key]) -> None:
    """Enqueue every object from time to time, so that a lost event delays a repair but can't prevent it."""
    while True:
        await asyncio.sleep(options.resync)
        for namespace in options.namespaces:
            try:
                async for item in client.list(kind, namespace=namespace):
                    queue.add(Key(namespace, metadata_of(item).name or ""))
            except httpx2.HTTPError as error:
                logger.warning("resync of %s failed: %s", namespace, error)


def _registry(controller: Controller, queue: WorkQueue[Key], login: Callable[[], object]) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(**_: object) -> object:
        return login()

    @kopf.on.probe(registry=registry, id="workers")
    async def workers(**_: object) -> str:
        if not queue.alive:
            raise kopf.PermanentError("a worker has died")
        return "alive"

    for watch in (Watch(controller.kind, own_key, {}), *controller.children):
        _enqueue_on_event(registry, watch, queue)
    return registry


def _enqueue_on_event(registry: kopf.OperatorRegistry, watch: Watch, queue: WorkQueue[Key]) -> None:
    resource = api_info(watch.resource).resource

    # Only `on.event` handlers: kopf's other kinds write annotations and finalizers into the objects.
    @kopf.on.event(resource.group, resource.version, api_info(watch.resource).plural, registry=registry)
    async def enqueue(body: Body, **_: object) -> None:
        if key := watch.key_of(body):
            queue.add(key)


def _settings(children: Sequence[Watch]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.networking.error_backoffs = WatchBackoff()
    settings.networking.connect_timeout = CONNECT_TIMEOUT
    # Scanning would need the right to watch all namespaces and CRDs.
    settings.scanning.disabled = True
    for watch in children:
        resource = api_info(watch.resource).resource
        selector = ",".join(f"{key}={value}" for key, value in watch.labels.items())
        settings.watching.label_selectors[resource.group, resource.version, api_info(watch.resource).plural] = selector
    return settings

"""The process of crdwatch: ``python -m controllers.crdwatch``."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, SingleConfig
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import (
    create_namespaced_resource,  # pyright: ignore[reportUnknownVariableType]  one parameter has no type
)

from controllers.crdwatch.history import History
from controllers.crdwatch.journal import Journal
from controllers.crdwatch.memory import Memory
from controllers.crdwatch.watcher import Watcher
from controllers.runtime.connection import http_client, load_config
from controllers.runtime.endpoint import endpoint
from controllers.runtime.list_watch import Collection
from controllers.runtime.logs import configure_logs
from controllers.runtime.options import Flags, add_process_flags, health_address, number
from controllers.runtime.process import until_told

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run with these arguments, the process's own by default, until SIGTERM or SIGINT."""
    flags = Flags("Logs what is added, modified and deleted of one kind, a JSON line each, on standard output.")
    add_process_flags(flags)
    flags.add("--group", "WATCH_GROUP", "API group of the kind")
    flags.add("--version", "WATCH_VERSION", "version of the group")
    flags.add("--resource", "WATCH_RESOURCE", "plural name of the kind")
    flags.add("--namespace", "WATCH_NAMESPACE", "namespace; empty: all, or a kind that has none", default="")
    flags.add("--state-file", "STATE_FILE", "what a restarted process goes on from; empty: nothing", default="")
    parsed = flags.parse(arguments)
    address, idle = health_address(flags, parsed), number(flags, "--watch-idle", parsed.watch_idle, least=1)
    configure_logs(parsed.log_level)
    collection = collection_of(parsed)
    with Memory(Path(parsed.state_file) if parsed.state_file else None, collection.path) as memory:
        asyncio.run(until_told(_serve(collection, memory, find_config(parsed.kubeconfig), address, idle)))
    logger.info("stopped")


def collection_of(parsed: argparse.Namespace) -> Collection:
    """Return what is watched. The kind's own name, which nobody says, isn't needed."""
    resource = create_namespaced_resource(parsed.group, parsed.version, parsed.resource, parsed.resource)
    return Collection(resource, parsed.namespace, {})


def find_config(kubeconfig: str) -> SingleConfig:
    """Return the pod's ServiceAccount; outside of a pod the kubeconfig, by default the user's own.

    Raises `lightkube.core.exceptions.ConfigError` when there is neither.
    """
    try:
        return load_config(None)
    except ConfigError:
        return load_config(Path(kubeconfig or DEFAULT_KUBECONFIG))


async def _serve(collection: Collection, memory: Memory, config: SingleConfig, address: str, idle: float) -> None:
    async with http_client(config) as http:
        watcher = Watcher(http, collection, History(memory, Journal(sys.stdout).write), idle=idle)
        # It is alive while it answers: the watch never ends but with the process.
        async with endpoint(address, alive=lambda: None, ready=watcher.what_is_not_ready):
            await watcher.run()


if __name__ == "__main__":
    main()

"""The process of crdwatch: ``python -m controllers.crdwatch``."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import kopf
from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, SingleConfig
from lightkube.core.exceptions import ConfigError

from controllers.crdwatch.api import Api, Kind
from controllers.crdwatch.history import History
from controllers.crdwatch.journal import Journal
from controllers.crdwatch.memory import Memory
from controllers.crdwatch.watcher import Watcher
from controllers.runtime.connection import load_config
from controllers.runtime.options import Flags

# Seconds of silence after which a watch is taken for dead. An API server sends a bookmark every 60 to 75 s
# (apiserver, storage/cacher: bookmarkFrequency and its jitter, 1.36).
IDLE = 120.0

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run with these arguments, the process's own by default, until SIGTERM or SIGINT."""
    flags = Flags("Logs what is added, modified and deleted of one kind, a JSON line each, on standard output.")
    flags.add("--group", "WATCH_GROUP", "API group of the kind")
    flags.add("--version", "WATCH_VERSION", "version of the group")
    flags.add("--resource", "WATCH_RESOURCE", "plural name of the kind")
    flags.add("--namespace", "WATCH_NAMESPACE", "namespace; empty: all, or a kind that has none", default="")
    flags.add("--kubeconfig", "KUBECONFIG", "kubeconfig file, where no pod's ServiceAccount is", default="")
    flags.add("--state-file", "STATE_FILE", "what a restarted process goes on from; empty: nothing", default="")
    flags.add("--log-level", "LOG_LEVEL", "least level logged", default="INFO", choices=("DEBUG", "INFO", "WARNING"))
    parsed = flags.parse(arguments)
    kopf.configure(log_format=kopf.LogFormat.JSON)
    logging.getLogger().setLevel(parsed.log_level)
    logging.getLogger("httpx2").setLevel(max(logging.WARNING, logging.getLogger().level))
    kind = Kind(parsed.group, parsed.version, parsed.resource, parsed.namespace)
    state_file = Path(parsed.state_file) if parsed.state_file else None
    with Memory(state_file, kind.path) as memory:
        asyncio.run(_serve(kind, memory, find_config(parsed.kubeconfig)))
    logger.info("stopped")


def find_config(kubeconfig: str) -> SingleConfig:
    """Return the pod's ServiceAccount; outside of a pod the kubeconfig, by default the user's own.

    Raises `lightkube.core.exceptions.ConfigError` when there is neither.
    """
    try:
        return load_config(None)
    except ConfigError:
        return load_config(Path(kubeconfig or DEFAULT_KUBECONFIG))


async def _serve(kind: Kind, memory: Memory, config: SingleConfig) -> None:
    async with Api(config, kind, IDLE) as api:
        watching = asyncio.create_task(Watcher(api, History(memory, Journal(sys.stdout).write)).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await watching


if __name__ == "__main__":
    main()

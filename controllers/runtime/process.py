"""The process of a controller: informers enqueue keys, workers reconcile them, signals end it."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from lightkube.config.kubeconfig import SingleConfig

from controllers.runtime.connection import api_client, http_client, load_config
from controllers.runtime.controller import Controller
from controllers.runtime.endpoint import endpoint
from controllers.runtime.leader import Leadership, LeadershipLostError, new_identity
from controllers.runtime.logs import configure_logs
from controllers.runtime.metrics import LEADER
from controllers.runtime.operation import Operation
from controllers.runtime.options import Options

# Seconds that running work may take after SIGTERM; Kubernetes kills after 30 by default.
SHUTDOWN_GRACE = 10.0

logger = logging.getLogger(__name__)


def run(controller: Controller, options: Options) -> None:
    """Run ``controller`` until SIGTERM or SIGINT, or end the process by code 1 when another replica may lead by now."""
    configure_logs(options.log_level)
    try:
        asyncio.run(until_told(_serve(controller, options)))
    except* LeadershipLostError as lost:
        logger.error("%s", lost.exceptions[0])  # noqa: TRY400  where it was noticed doesn't matter
        sys.exit(1)
    logger.info("stopped")


async def until_told(serving: Coroutine[Any, Any, None]) -> None:
    """Run ``serving`` until it ends or SIGTERM or SIGINT cancels it."""
    task = asyncio.create_task(serving)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        logger.info("told to stop")


async def _serve(controller: Controller, options: Options) -> None:
    config = load_config(options.kubeconfig)
    async with (
        _leadership(controller.name, config, options) as leadership,
        api_client(config, controller.name, leadership.held if leadership else _always) as client,
        http_client(config, leadership.held if leadership else _always) as http,
    ):
        operation = Operation(controller, options, client, http)
        async with (
            endpoint(
                options.health,
                alive=operation.what_is_dead,
                ready=operation.what_is_not_ready,
                routes=controller.routes(operation.cluster),
            ),
            asyncio.TaskGroup() as tasks,
        ):
            operation.follow(tasks)
            await operation.synced()
            if leadership:
                await leadership.acquire()
                tasks.create_task(leadership.keep(), name="leadership")
            try:
                await operation.work()
            finally:
                await operation.close(SHUTDOWN_GRACE)


def _always() -> bool:
    return True


@asynccontextmanager
async def _leadership(name: str, config: SingleConfig, options: Options) -> AsyncGenerator[Leadership | None]:
    """Yield what knows whether this replica leads, and release the Lease at the end; ``None`` without election."""
    if not options.election_namespace:
        LEADER.set(1)
        yield None
        return
    # A client of its own, since it writes before anybody leads.
    async with api_client(config, name) as client:
        leadership = Leadership(
            client, name, options.election_namespace, identity=new_identity(), timing=options.election
        )
        try:
            yield leadership
        finally:
            await leadership.release()

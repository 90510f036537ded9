"""The one connection to the API server that kopf's watches and lightkube's calls share."""

import asyncio
import logging
from pathlib import Path

import aiohttp
import kopf
import msgspec
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User

# How long a watch waits for a renewed token after a 401; kopf itself would give up at the second one.
UNAUTHORIZED_PAUSE = 2.0

logger = logging.getLogger(__name__)


def load_config(kubeconfig: Path | None) -> SingleConfig:
    """Read a kubeconfig's current context, or the pod's ServiceAccount when there is no kubeconfig.

    Raises `lightkube.core.exceptions.ConfigError` when there is neither.
    """
    source = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_service_account()
    config = source.get()
    if config is None:
        raise ValueError(f"{kubeconfig}: has no current context")
    user = config.user or User()
    if user.exec or user.auth_provider or user.username:
        raise ValueError(
            f"{kubeconfig}: user needs a client certificate, token or tokenFile; nothing else is supported"
        )
    if user.token_file:
        user = msgspec.structs.replace(user, token_file=str(config.abs_file(user.token_file)))
    return config._replace(user=user)


def watch_session(config: SingleConfig) -> kopf.AiohttpSession:
    """Open the session that kopf watches through.

    The token is read from its file for every request, so a renewed one is used without a new login.
    """
    user = config.user or User()

    async def authorize(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        while True:
            if token := _token(user):
                request.headers["Authorization"] = f"Bearer {token}"
            response = await send(request)
            if response.status != 401:  # noqa: PLR2004  Unauthorized
                return response
            response.release()
            logger.warning("the API server refuses the credentials of this controller; waiting for renewed ones")
            await asyncio.sleep(UNAUTHORIZED_PAUSE)

    context = verify_cluster(config.cluster, user, config.abs_file)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=context), middlewares=(authorize,))
    return kopf.AiohttpSession(server=config.cluster.server, aiohttp_session=session)


def _token(user: User) -> str | None:
    return Path(user.token_file).read_text().strip() if user.token_file else user.token

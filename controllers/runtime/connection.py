"""How a controller connects to the API server."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx2
import msgspec
from lightkube import AsyncClient
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User

from controllers.runtime.api_calls import counted, guarded, patient
from controllers.runtime.transport import AiohttpTransport

# Seconds that connecting, and each piece of an answer, may take.
TIMEOUT = 30.0


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


class Token:
    """A user's bearer token, whose file is looked at for every request, so that a renewed one is used at once.

    A file that is empty or away for a moment is being written: the token before it serves until then.
    """

    def __init__(self, user: User) -> None:
        self._file = Path(user.token_file) if user.token_file else None
        self._seen: tuple[int, int, int] | None = None
        self._last = user.token

    def header(self) -> dict[str, str]:
        """Return the ``Authorization`` header; none for a user with a client certificate."""
        if self._file:
            with suppress(FileNotFoundError):
                self._look(self._file)
        return {"Authorization": f"Bearer {self._last}"} if self._last else {}

    def _look(self, file: Path) -> None:
        stat = file.stat()
        # The kubelet renews a token by a new file.
        if (seen := (stat.st_ino, stat.st_mtime_ns, stat.st_size)) != self._seen:
            self._last = file.read_text().strip() or self._last
            self._seen = seen


class _Authorized(httpx2.AsyncBaseTransport):
    """Sends requests with a `Token`; lightkube's own handling never recovers from reading an empty file."""

    def __init__(self, token: Token, inner: httpx2.AsyncBaseTransport) -> None:
        self._token = token
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers.update(self._token.header())
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def authorized_transport(config: SingleConfig) -> httpx2.AsyncBaseTransport:
    """Open what HTTP clients send requests through: it trusts the cluster's authority and bears the user's token."""
    user = config.user or User()
    inner = AiohttpTransport(verify_cluster(config.cluster, user, config.abs_file))
    return _Authorized(Token(user), counted(inner))


def api_client(config: SingleConfig, field_manager: str, may_write: Callable[[], bool] = lambda: True) -> AsyncClient:
    """Open the client that objects are read and written with; it refuses to write while it may not."""
    transport = patient(guarded(authorized_transport(config), may_write))
    return AsyncClient(config._replace(user=User()), transport=transport, field_manager=field_manager)


def http_client(config: SingleConfig, may_write: Callable[[], bool] = lambda: True) -> httpx2.AsyncClient:
    """Open the same for requests that lightkube doesn't know."""
    transport = patient(guarded(authorized_transport(config), may_write))
    return httpx2.AsyncClient(base_url=config.cluster.server, transport=transport, timeout=TIMEOUT)

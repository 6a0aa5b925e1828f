"""The api through the official client: its kubeconfig, authentication plugins, TLS and connections.

Requests are sent as the bytes they are, since the client's own models would rewrite a documented manifest. Tokens from
plugins and cloud logins expire during a run; the client's refresher renews them in a task owned by the api.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from conformance.base.errors import PlatformError
from conformance.kube.api_client import Answer
from conformance.kube.pod_account import inside_a_pod, use
from conformance.kube.verbs import ApiStatus

REQUEST_SECONDS: Final = 30.0
REFRESH_SECONDS: Final = 30
SILENT_SECONDS: Final = 330.0
"""A watch that says nothing for so long has been forgotten: servers end it sooner, and send bookmarks meanwhile."""
MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Five hundred objects, the most that is asked for at once, of the largest size that etcd takes are 750 MB; those of a
cluster that serves models are below 10 MB."""


class OfficialClient:
    """Made by `connect`."""

    def __init__(self, client: Any, refresher: asyncio.Task[Any] | None) -> None:
        self._client = client
        self._refresher = refresher
        self._host = str(client.configuration.host).rstrip("/")
        self._session = client.rest_client.pool_manager or client.rest_client._create_pool_manager()
        # A few bytes can stand for gigabytes, and it would unpack them before anybody could count.
        self._session._auto_decompress = False
        client.rest_client.pool_manager = self._session

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._host

    @property
    def verifies(self) -> bool:
        """Whether the server's certificate is checked; `insecure-skip-tls-verify` in a kubeconfig turns it off."""
        return not self._host.startswith("https:") or bool(self._client.configuration.verify_ssl)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        import aiohttp

        headers = await self._headers(content_type if body is not None else None)
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                self._session.request(
                    method, self._host + path, params=query, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return await self._answer(f"{method} {path}", response)
        except TimeoutError as error:
            raise PlatformError(f"{method} {path}: no answer from {self._host} in {REQUEST_SECONDS:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise PlatformError(f"{method} {path}: cannot reach {self._host}: {error}") from error

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        import aiohttp

        headers = await self._headers(None)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS, sock_read=SILENT_SECONDS)
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(REQUEST_SECONDS):
                    response = await stack.enter_async_context(
                        self._session.get(
                            self._host + path, params=query, headers=headers, timeout=timeout, allow_redirects=False
                        )
                    )
                    if response.status != 200:
                        raise ApiStatus.of(await self._answer(f"GET {path}", response))
                yield self._lines(path, response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise PlatformError(f"GET {path}: the stream from {self._host} broke: {error}") from error

    async def _answer(self, what: str, response: Any) -> Answer:
        """The whole answer, read so that its size is known before it is held."""
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            raise PlatformError(f"{what}: {self._host} answered in {encoding[:40]}, which it was not asked for")
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > MAX_ANSWER_BYTES:
                raise PlatformError(f"{what}: {self._host} answered with more than {MAX_ANSWER_BYTES} bytes")
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, found, bytes(data))

    async def _lines(self, path: str, response: Any) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line:
                    yield line
            if len(rest) > MAX_EVENT_BYTES:
                raise PlatformError(f"GET {path}: a line longer than {MAX_EVENT_BYTES} bytes")
        if rest:
            raise PlatformError(f"GET {path}: the stream ended in the middle of a line")

    async def _headers(self, content_type: str | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "serving-conformance"}
        if content_type:
            headers["Content-Type"] = content_type
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        return headers

    async def close(self) -> None:
        if self._refresher is not None:
            self._refresher.cancel()
            await asyncio.gather(self._refresher, return_exceptions=True)
        await self._client.close()


async def connect(kubeconfig: str | None = None, context: str | None = None) -> OfficialClient:
    """Open an API from a kubeconfig file. When None: the client's default places, or else, in a pod, its own account.

    Raises PlatformError when the file is missing or names no such context."""
    if kubeconfig is not None and not Path(kubeconfig).is_file():
        raise PlatformError(f"kubeconfig {kubeconfig}: no such file; pass --kubeconfig or set KUBECONFIG")
    from kubernetes.aio import client, config

    configuration = client.Configuration()
    loader = None
    try:
        if kubeconfig is None and context is None and not _has_default() and inside_a_pod():
            use(configuration)
        else:
            loader = await config.load_kube_config(kubeconfig, context, client_configuration=configuration)
    except config.ConfigException as error:
        where = kubeconfig or "at its default place"
        raise PlatformError(f"kubeconfig {where}: {error}; pass --kubeconfig or set KUBECONFIG") from error
    configuration.retries = None
    configuration.connection_pool_maxsize = 0
    refresher = None
    if loader is not None:
        refresher = asyncio.create_task(config.refresh_token(loader, configuration, REFRESH_SECONDS))
    return OfficialClient(client.ApiClient(configuration), refresher)


def _has_default() -> bool:
    """Whether there is a kubeconfig at the client's default places."""
    stated = os.environ.get("KUBECONFIG")
    return bool(stated) or (Path.home() / ".kube" / "config").is_file()

"""The door through the official client: its kubeconfig, authentication plugins, TLS and connections.

Requests are sent as the bytes they are, since the client's own models would rewrite a documented manifest. Tokens from
plugins and cloud logins expire during a run; the client's refresher renews them in a task owned by the door.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from conformance.api.protocol import Answer
from conformance.api.verbs import ApiStatus
from conformance.errors import PlatformError, SubmissionError

REQUEST_SECONDS: Final = 30.0
REFRESH_SECONDS: Final = 30
MAX_EVENT_BYTES: Final = 8 * 1024 * 1024


class OfficialDoor:
    """Made by `connect`."""

    def __init__(self, client: Any, refresher: asyncio.Task[Any] | None) -> None:
        self._client = client
        self._refresher = refresher
        self._host = str(client.configuration.host).rstrip("/")
        self._session = client.rest_client.pool_manager or client.rest_client._create_pool_manager()
        client.rest_client.pool_manager = self._session

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._host

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
                self._session.request(method, self._host + path, params=query, data=body, headers=headers) as response,
            ):
                data = await response.read()
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, found, data)
        except TimeoutError as error:
            raise PlatformError(f"{method} {path}: no answer from {self._host} in {REQUEST_SECONDS:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise PlatformError(f"{method} {path}: cannot reach {self._host}: {error}") from error

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        import aiohttp

        headers = await self._headers(None)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS)
        try:
            async with self._session.get(self._host + path, params=query, headers=headers, timeout=timeout) as response:
                if response.status != 200:
                    found = {name.lower(): value for name, value in response.headers.items()}
                    raise ApiStatus.of(Answer(response.status, found, await response.read()))
                yield self._lines(path, response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise PlatformError(f"GET {path}: the stream from {self._host} broke: {error}") from error

    async def _lines(self, path: str, response: Any) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line:
                    yield line
            if len(rest) > MAX_EVENT_BYTES:
                raise PlatformError(f"GET {path}: a line longer than {MAX_EVENT_BYTES} bytes")

    async def _headers(self, content_type: str | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "serving-conformance"}
        if content_type:
            headers["Content-Type"] = content_type
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        return headers

    async def close(self) -> None:
        if self._refresher is not None:
            self._refresher.cancel()
            await asyncio.gather(self._refresher, return_exceptions=True)
        await self._client.close()


async def connect(kubeconfig: str | None = None, context: str | None = None) -> OfficialDoor:
    """Open a door from a kubeconfig file (the client's default places when None).

    Raises SubmissionError when the file is missing or names no such context."""
    if kubeconfig is not None and not Path(kubeconfig).is_file():
        raise SubmissionError(f"kubeconfig {kubeconfig}: no such file; pass --kubeconfig or set KUBECONFIG")
    from kubernetes.aio import client, config

    configuration = client.Configuration()
    try:
        loader = await config.load_kube_config(kubeconfig, context, client_configuration=configuration)
    except config.ConfigException as error:
        raise SubmissionError(f"kubeconfig {kubeconfig or 'at its default place'}: {error}") from error
    configuration.retries = None
    configuration.connection_pool_maxsize = 0
    refresher = None
    if loader is not None:
        refresher = asyncio.create_task(config.refresh_token(loader, configuration, REFRESH_SECONDS))
    return OfficialDoor(client.ApiClient(configuration), refresher)

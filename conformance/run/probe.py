"""Single requests through the ingress outside any load: set-up checks and probes, never measurements."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from conformance.base.errors import PlatformError
from conformance.base.http.exchange import ExchangeError, Request
from conformance.kube.cluster import Ingress
from conformance.load.load_plan import Target

PROBE_SECONDS: Final = 30.0
MAX_BYTES: Final = 1 << 20


async def probe(ingress: Ingress, target: Target, method: str) -> tuple[int, str]:
    """Status and body text of one request; status 0 with the error's text when no answer came."""
    if ingress.handler is not None:
        url = urlsplit(target.url)
        request = Request(method, url.path, target.host or url.netloc, target.headers, target.body)
        try:
            response = await ingress.handler(request)
        except ExchangeError as error:
            return 0, str(error)
        return response.status, response.body.decode("utf-8", "replace")
    import httpx

    url = urlsplit(target.url)
    place = urlunsplit((url.scheme, target.address or url.netloc, url.path, url.query, ""))
    # Nothing packed, since a few bytes can stand for gigabytes; no redirects, which lead elsewhere.
    headers = {**dict(target.headers), "host": target.host or url.netloc, "accept-encoding": "identity"}
    verify: bool | str = (target.ca_file or True) if target.verify else False
    content = target.body if method != "GET" else None
    text = bytearray()
    try:
        async with (
            asyncio.timeout(PROBE_SECONDS),
            httpx.AsyncClient(verify=verify, timeout=PROBE_SECONDS, follow_redirects=False) as client,
            client.stream(method, place, headers=headers, content=content) as answer,
        ):
            async for piece in answer.aiter_raw():
                text += piece
                if len(text) > MAX_BYTES:
                    return 0, f"an answer of more than {MAX_BYTES} bytes"
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        return 0, f"{type(error).__name__}: {error}"
    except OSError as error:
        raise PlatformError(f"cannot probe {place}: {error}") from error
    return answer.status_code, text.decode("utf-8", "replace")

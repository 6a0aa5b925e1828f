"""A small server of Prometheus' HTTP API: ranges of samples by name and one label, looked up as Prometheus does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LOOKBACK_SECONDS = 300.0
QUERY = re.compile(r'^\{__name__=~"(?P<names>[\w|]+)",(?P<label>\w+)="(?P<value>[^"]*)"\}$')


@dataclass(slots=True)
class Series:
    """One series: labels with its name, and (wall, value) as scraped."""

    labels: Mapping[str, str]
    points: list[tuple[float, float | str]]


@dataclass(slots=True)
class Database:
    """What the server knows, and what it was asked."""

    series: list[Series] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    broken: bytes | None = None
    """Said instead of an answer."""

    def add(self, name: str, points: list[tuple[float, float | str]], **labels: str) -> None:
        """One more series."""
        self.series.append(Series({"__name__": name, **labels}, points))

    def answer(self, target: str) -> tuple[int, bytes]:
        """Status and body for a request target below the server's root."""
        parts = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self.asked.append({"path": parts.path, **query})
        if self.broken is not None:
            return 200, self.broken
        if parts.path != "/api/v1/query_range":
            return 404, b"404 page not found"
        found = QUERY.match(query.get("query", ""))
        if found is None:
            error = {"status": "error", "errorType": "bad_data", "error": f"parse error: {query.get('query')}"}
            return 400, json.dumps(error).encode()
        names = found["names"].split("|")
        chosen = [
            one
            for one in self.series
            if one.labels["__name__"] in names and one.labels.get(found["label"]) == found["value"]
        ]
        start, end, step = (float(query[key]) for key in ("start", "end", "step"))
        result = [_evaluated(one, start, end, step) for one in chosen]
        data = {"resultType": "matrix", "result": [entry for entry in result if entry["values"]]}
        return 200, json.dumps({"status": "success", "data": data}).encode()


def _evaluated(series: Series, start: float, end: float, step: float) -> dict[str, Any]:
    values = []
    moment = start
    while moment <= end:
        known = [value for wall, value in series.points if moment - LOOKBACK_SECONDS < wall <= moment]
        if known:
            values.append([moment, str(known[-1])])
        moment += step
    return {"metric": dict(series.labels), "values": values}


@contextmanager
def serving(database: Database) -> Iterator[str]:
    """The address at which it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = database.answer(self.path)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5.0)

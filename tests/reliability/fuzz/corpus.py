"""Inputs worth keeping: a file each below `corpus/`, in a folder named after what reads it; each test run reads all.

A file holds the bytes as they would come; `READERS` says what has to happen to them: an answer, or a refusal in words.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from conformance.base.clock import run_virtual
from conformance.base.errors import PlatformError, UsageError
from conformance.base.http.exchange import ExchangeError, Request, Response
from conformance.judge import arrivals
from conformance.judge.judging import judge_run
from conformance.kube.api_client import Answer as ApiAnswer
from conformance.kube.serving_runtimes import from_file
from conformance.kube.verbs import read
from conformance.load import flags
from conformance.load.answer_parser import AnswerParser, ProtocolError, parse_whole
from conformance.load.load_errors import InvalidLoadError
from conformance.observe.pod_logs import account
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.run.deployment import manifest_name
from conformance.settings.settings import load as load_settings
from reports import bundle as bundles
from reports import manifest
from tests.reliability.fuzz import api, stored
from tests.reliability.fuzz.http import Pipe, plausible

CORPUS: Final = Path(__file__).parent / "corpus"


def replay(path: Path) -> None:
    """Give a kept input to what reads its kind."""
    READERS[path.parent.name](path.read_bytes())


def facts(data: bytes) -> None:
    """The facts of a recording, judged."""
    with stored.copied(stored.finished()) as folder:
        next((folder / "recording").glob("*/facts.jsonl")).write_bytes(data)
        with suppress(ValueError):
            assert judge_run(folder).judgements


def header(data: bytes) -> None:
    """recording.json."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "recording.json").write_bytes(data)
        with suppress(UnreadableRecordingError):
            Recording(Path(place))


def rows(data: bytes) -> None:
    """A load's rows, whatever the names beside them."""
    source = next((stored.finished() / "recording").iterdir())
    with stored.copied(source) as folder:
        (folder / "load-0.rows").write_bytes(data)
        arrivals.read(Recording(folder).loads())


def bundle(data: bytes) -> None:
    """An archive of a stranger."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "b.tar.gz"
        path.write_bytes(data)
        with suppress(UsageError), bundles.opened(path):
            pass
        assert [entry.name for entry in Path(place).iterdir()] == ["b.tar.gz"]


def yaml_file(data: bytes) -> None:
    """One text as a manifest, as settings, as a load plan and as a runtime."""
    with suppress(UsageError):
        manifest_name(data)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "conformance.yaml"
        path.write_bytes(data)
        with suppress(UsageError):
            load_settings(path, environ={}, flags={})
        with suppress(InvalidLoadError):
            flags.read_plan(str(path))
        with suppress(UsageError):
            from_file(path)


def http_answer(data: bytes) -> None:
    """An answer to the load generator, whole and byte by byte."""
    if (quick := parse_whole(data)) is not None:
        plausible(quick)
    for step in (len(data) or 1, 1):
        reader = AnswerParser()
        with suppress(ProtocolError):
            for begin in range(0, len(data), step):
                if (found := reader.feed(data[begin : begin + step])) is not None:
                    plausible(found)
                    break


def wire_answer(data: bytes) -> None:
    """An answer to one of the platform's hops."""

    async def main() -> None:
        from conformance.base.http import http_client

        connection = http_client.Connection({})
        pipe = Pipe(connection)
        connection.connection_made(pipe)
        coming = connection.send(Request("GET", "/", "a.example"))
        connection.data_received(data)
        if not pipe.closed:
            pipe.abort()
        with suppress(ExchangeError):
            assert isinstance(await coming, Response)

    run_virtual(main())


def api_answer(data: bytes) -> None:
    """The body of an API server's answer, as a success and as an error."""
    for status in (200, 500):
        with suppress(PlatformError):
            assert isinstance(read("GET", "/", ApiAnswer(status, {}, data)), dict)


def patch(data: bytes) -> None:
    """The first line names the kind of object and the patch's type, the rest is the patch."""
    first, _, body = data.partition(b"\n")
    kind, content_type = first.decode().split()
    path, value = api.PLACES[kind]

    async def main() -> None:
        scene = api.Scene()
        await scene.prepare(kind)
        await scene.ask("PATCH", f"{path}/{value['metadata']['name']}", body, content_type, fieldManager="a")
        await scene.whole()

    run_virtual(main())


def log(data: bytes) -> None:
    """A line of a pod's log."""
    found = account(data.decode("utf-8", "replace"))
    assert found is None or json.dumps(found.plain())


def run_manifest(data: bytes) -> None:
    """manifest.json."""
    with suppress(ValueError, RecursionError):
        manifest.read(data)


READERS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "facts": facts,
    "header": header,
    "rows": rows,
    "bundle": bundle,
    "yaml": yaml_file,
    "http-answer": http_answer,
    "wire-answer": wire_answer,
    "api-answer": api_answer,
    "patch": patch,
    "log": log,
    "run-manifest": run_manifest,
}

"""`python clusters/kserve_model_server/__main__.py`: serve one small model with the KServe SDK.

Run by path, on a Python of its own that has the SDK. The suite's folder is searched last, so that the SDK finds its own
dependencies. It is told by WITNESS_* variables as the witness is, listens on a free port of loopback that a line of its
output names, and ends when its standard input does: that also happens when whoever started it is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Final

STARTED: Final = time.monotonic()
ROOT: Final = Path(__file__).parents[2]

# The folder of this file would hide packages of the same name as its modules.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]
sys.path.append(str(ROOT))

import kserve.model_server  # noqa: E402
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer  # noqa: E402
from kserve.errors import InvalidInput  # noqa: E402
from kserve.protocol.rest.server import RESTServer  # noqa: E402

from clusters.kserve_model_server.request_counting import Counting  # noqa: E402
from clusters.witness.devices import devices  # noqa: E402
from clusters.witness.witness_answers import SCORES, BadBodyError, instances, prediction  # noqa: E402
from clusters.witness.witness_settings import WitnessSettings, from_process  # noqa: E402

UNNAMED: Final = "model"


class DocumentedModel(Model):  # type: ignore[misc]
    """Answers as the documented flowers and mnist models do, after its service time."""

    def __init__(self, settings: WitnessSettings) -> None:
        super().__init__(settings.model_name or UNNAMED)
        self._settings = settings

    def load(self) -> bool:
        """Takes what is left of the start time: this process has had some of it."""
        time.sleep(max(0.0, self._settings.start_seconds - (time.monotonic() - STARTED)))
        self.ready = True
        return True

    async def predict(
        self,
        payload: Any,
        headers: dict[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> Any:
        del response_headers
        seconds = self._service_seconds(headers or {})
        try:
            answer = self._infer(payload) if isinstance(payload, InferRequest) else _predictions(payload)
        except BadBodyError as error:
            raise InvalidInput(str(error)) from None
        await asyncio.sleep(seconds)
        return answer

    def _service_seconds(self, headers: dict[str, str]) -> float:
        text = headers.get("x-service-ms")
        if text is None:
            return self._settings.service_seconds
        try:
            milliseconds = float(text)
        except ValueError:
            milliseconds = -1.0
        if not 0 <= milliseconds < 3_600_000:
            raise InvalidInput(f"header x-service-ms: {text!r} is not a time in milliseconds")
        return milliseconds / 1000

    def _infer(self, request: Any) -> Any:
        rows = int(request.inputs[0].shape[0]) if request.inputs and request.inputs[0].shape else 1
        output = InferOutput("scores", [rows, len(SCORES)], "FP32", data=list(SCORES) * rows)
        return InferResponse(request.id or str(uuid.uuid4()), self.name, [output])


def _predictions(payload: Any) -> dict[str, Any]:
    """V1. The SDK hands on a body as it is when its type is not said to be JSON. Raises BadBodyError."""
    if isinstance(payload, bytes):
        return {"predictions": [prediction(instance) for instance in instances(payload)]}
    found = payload.get("instances", payload.get("inputs")) if isinstance(payload, dict) else None
    if not isinstance(found, list) or not found:
        raise BadBodyError("JSON 'instances' must be a list with at least one value")
    return {"predictions": [prediction(instance) for instance in found]}


class LoopbackServer(RESTServer):  # type: ignore[misc]
    """The SDK's HTTP server on a free port of loopback instead of a given one of all addresses, with a count around."""

    settings: WitnessSettings

    async def start(self) -> None:
        self.create_application()
        self.config.load()
        counting = Counting(self.config.loaded_app, self.settings, devices(os.environ))
        self.config.loaded_app = counting
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        _say(
            {
                "listening": f"127.0.0.1:{listener.getsockname()[1]}",
                "pod": self.settings.pod,
                "kind": self.settings.kind.value,
            }
        )
        logging_accounts = asyncio.create_task(counting.log_accounts(_say))
        try:
            await self._server.serve(sockets=[listener])
        finally:
            logging_accounts.cancel()
            _say(counting.account())


def _say(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


def _end_with_input() -> None:
    """Waits in a thread of its own; nothing is to be finished for a platform that is gone."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


def main() -> int:
    """Serve until SIGTERM."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    settings = from_process((), os.environ)
    LoopbackServer.settings = settings
    kserve.model_server.RESTServer = LoopbackServer
    model = DocumentedModel(settings)
    model.load()
    # No gRPC: the SDK gives it one fixed port, of which this machine has one for all pods.
    ModelServer(enable_grpc=False).start([model])
    return 0


if __name__ == "__main__":
    sys.exit(main())

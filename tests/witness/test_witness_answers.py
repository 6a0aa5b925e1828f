"""What the witness answers, in virtual time."""

from __future__ import annotations

import asyncio
import json
import zlib
from pathlib import Path

import pytest

from clusters.witness.witness import Witness, stamp
from clusters.witness.witness_settings import WitnessKind, WitnessSettings
from conformance.base.clock import VIRTUAL_EPOCH_SECONDS, VirtualClock, VirtualLoop, run_virtual, virtual_clock
from conformance.base.http.exchange import ExchangeError, Handler, Request, Response

PAYLOADS = Path(__file__).parents[2] / "fixtures" / "payloads"
FLOWERS = (PAYLOADS / "input.json").read_bytes()
MNIST = (PAYLOADS / "input-mnist.json").read_bytes()


def ask(
    method: str,
    path: str,
    body: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    settings: WitnessSettings | None = None,
    fetch: Handler | None = None,
) -> tuple[Response, float]:
    """One request to a fresh witness; the answer and how long it took."""

    async def main() -> tuple[Response, float]:
        clock = virtual_clock()
        witness = Witness(settings or WitnessSettings("pod-1", service_seconds=0.1), clock, fetch=fetch)
        response = await witness(Request(method, path, "h", headers, body))
        return response, clock.monotonic()

    return run_virtual(main())


def test_flowers_get_scores_a_prediction_and_their_key_back() -> None:
    response, seconds = ask("POST", "/v1/models/flowers-sample:predict", FLOWERS)
    (prediction,) = json.loads(response.body)["predictions"]
    assert response.status == 200
    assert len(prediction["scores"]) == 6
    assert prediction["prediction"] == 0
    assert prediction["key"] == "   1"
    assert seconds == pytest.approx(0.1)


def test_a_picture_of_a_digit_gets_a_label() -> None:
    response, _ = ask("POST", "/v1/models/mnist:predict", MNIST)
    assert json.loads(response.body) == {"predictions": [2]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error"),
        (b"{not json", "JSON Parse error"),
        (b"\xff\xfe", "JSON Parse error"),
        (b"[1]", "must be a JSON object"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        (b'{"instances": 3}', "must be a list"),
        (b'{"instances": [{"image_bytes": {"b64": "***"}}]}', "base64"),
        (b'{"instances": [{"image_bytes": "text"}]}', "'b64'"),
    ],
)
def test_a_malformed_body_is_refused_at_once_with_an_error(body: bytes, text: str) -> None:
    response, seconds = ask("POST", "/v1/models/m:predict", body)
    assert response.status == 400
    assert text in json.loads(response.body)["error"]
    assert seconds == 0


def test_the_service_time_can_be_set_per_request() -> None:
    _, seconds = ask("POST", "/v1/models/m:predict", FLOWERS, (("x-service-ms", "2500"),))
    assert seconds == pytest.approx(2.5)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_service_time_that_is_none_is_refused(text: str) -> None:
    response, _ = ask("POST", "/v1/models/m:predict", FLOWERS, (("x-service-ms", text),))
    assert response.status == 400
    assert "x-service-ms" in json.loads(response.body)["error"]


def test_answers_say_where_when_and_among_how_many() -> None:
    async def main() -> list[Response]:
        witness = Witness(WitnessSettings("pod-7", service_seconds=0.1), virtual_clock())

        async def one(delay: float) -> Response:
            await asyncio.sleep(delay)
            return await witness(Request("POST", "/v1/models/m:predict", "h", (), FLOWERS))

        return list(await asyncio.gather(one(0), one(0.01), one(0.02), one(0.5)))

    answers = run_virtual(main())
    assert [answer.header("x-in-flight") for answer in answers] == ["1", "2", "3", "1"]
    assert answers[-1].header("x-high-water") == "3"
    assert {answer.header("x-pod") for answer in answers} == {"pod-7"}
    assert [answer.header("x-model-ms") for answer in answers] == ["100.000"] * 4


class Starved(VirtualClock):
    """A machine that comes half a second late to what takes less than a second."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + (0.5 if seconds < 1 else 0.0))


def test_a_starved_witness_says_when_and_how_late_it_was_once() -> None:
    async def main() -> list[dict[str, object]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        witness = Witness(WitnessSettings("pod-1", service_seconds=0.02), Starved(loop))
        await witness(Request("POST", "/v1/models/m:predict", "h", (), FLOWERS))
        return [witness.account(), witness.account()]

    first, second = run_virtual(main())
    assert first["late"] == [[int(VIRTUAL_EPOCH_SECONDS), 0.5]]
    assert "late" not in second


def test_the_report_counts_requests_to_the_model_only() -> None:
    async def main() -> dict[str, object]:
        witness = Witness(WitnessSettings("pod-1", service_seconds=0.1), virtual_clock(), devices=("GPU-1",))
        await witness(Request("GET", "/v1/models/m", "h", (("x-request-id", "probe"),)))
        await witness(Request("POST", "/v1/models/m:predict", "h", (("x-request-id", "a"),), FLOWERS))
        report: dict[str, object] = json.loads((await witness(Request("GET", "/witness", "h"))).body)
        return report

    report = run_virtual(main())
    assert report["served"] == 1
    assert report["requests"] == ["a"]
    assert report["devices"] == ["GPU-1"]
    assert report["in_flight"] == 0
    assert report["high_water"] == 1


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/", 200, "alive"),
        ("/v1/models/m", 200, "AVAILABLE"),
        ("/v1/models", 200, "models"),
        ("/v2/health/ready", 200, "ready"),
        ("/v2/health/live", 200, "live"),
        ("/v2/models/m/ready", 200, "ready"),
        ("/v2", 200, "witness"),
        ("/nothing/here", 404, "error"),
    ],
)
def test_status_paths_answer_without_service_time(path: str, status: int, word: str) -> None:
    response, seconds = ask("GET", path)
    assert response.status == status
    assert word in response.body.decode()
    assert seconds == 0


def test_getting_a_prediction_is_not_allowed() -> None:
    assert ask("GET", "/v1/models/m:predict")[0].status == 405


def test_the_second_protocol_answers_with_one_row_of_scores_per_input_row() -> None:
    body = json.dumps({"id": "x", "inputs": [{"name": "in", "shape": [2, 4], "datatype": "FP32", "data": [0] * 8}]})
    response, _ = ask("POST", "/v2/models/m/infer", body.encode())
    answer = json.loads(response.body)
    assert answer["id"] == "x"
    assert answer["outputs"][0]["shape"] == [2, 6]
    assert len(answer["outputs"][0]["data"]) == 12


TRANSFORMER = WitnessSettings("t-1", WitnessKind.TRANSFORMER, service_seconds=0.0, predictor_host="p.ns")


def test_a_transformer_asks_the_predictor_host_on_the_same_path() -> None:
    seen: list[Request] = []

    async def predictor(request: Request) -> Response:
        seen.append(request)
        return Response(200, (("content-type", "application/json"), ("x-pod", "p-1")), b'{"predictions":[2]}')

    response, _ = ask(
        "POST",
        "/v1/models/mnist:predict",
        MNIST,
        (("x-request-id", "r"), ("x-service-ms", "20"), ("cookie", "no")),
        TRANSFORMER,
        predictor,
    )
    (request,) = seen
    tensor = json.loads(request.body)["instances"][0]["data"]
    assert request.host == "p.ns"
    assert request.path == "/v1/models/mnist:predict"
    assert request.headers == (("x-request-id", "r"), ("x-service-ms", "20"))
    assert [len(tensor), len(tensor[0]), len(tensor[0][0])] == [1, 28, 28]
    assert response.body == b'{"predictions":[2]}'
    assert response.header("x-pod") == "t-1"
    assert response.header("x-predictor-pod") == "p-1"


def test_an_answer_says_which_request_it_answers() -> None:
    named = (("x-request-id", "17"),)
    response, _ = ask("POST", "/v1/models/m:predict", FLOWERS, named)
    assert response.header("x-witness") == f"17 {zlib.crc32(FLOWERS):08x} {zlib.crc32(response.body):08x}"


@pytest.mark.parametrize(
    ("name", "body", "hop"),
    [
        ("r", b'{"predictions":[2]}', ""),
        ("a-gateways-own", b'{"predictions":[2]}', ""),
        ("18", b'{"predictions":[2]}', " predictor"),
        ("r", b"", " predictor"),
    ],
)
def test_a_transformer_says_whether_its_predictors_answer_was_its_own(name: str, body: bytes, hop: str) -> None:
    async def predictor(request: Request) -> Response:
        whole = Response(200, (), b'{"predictions":[2]}')
        signed = stamp(Request("POST", "/", "h", (("x-request-id", name),), request.body), whole)
        return Response(200, (("x-witness", signed),), body)

    named = (("x-request-id", "r"),)
    response, _ = ask("POST", "/v1/models/mnist:predict", MNIST, named, TRANSFORMER, predictor)
    assert response.header("x-witness") == f"r {zlib.crc32(MNIST):08x} {zlib.crc32(body):08x}{hop}"


def test_a_transformer_passes_its_predictors_refusal_back() -> None:
    async def predictor(request: Request) -> Response:
        del request
        return Response(503, (), b"pending request queue full\n")

    response, _ = ask("POST", "/v1/models/mnist:predict", MNIST, (), TRANSFORMER, predictor)
    assert (response.status, response.body) == (503, b"pending request queue full\n")


def test_a_transformer_without_predictor_answers_bad_gateway() -> None:
    async def predictor(request: Request) -> Response:
        del request
        raise ExchangeError("connect", "connection refused")

    response, _ = ask("POST", "/v1/models/mnist:predict", MNIST, (), TRANSFORMER, predictor)
    assert response.status == 502
    assert "p.ns" in json.loads(response.body)["error"]

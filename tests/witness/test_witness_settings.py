"""How the witness reads arguments and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.witness import model_storage
from clusters.witness.devices import devices
from clusters.witness.witness_settings import WitnessKind, from_process


def test_the_arguments_of_the_documented_transformer_make_a_transformer() -> None:
    settings = from_process(
        ["--model_name", "mnist", "--predictor_host", "torch-transformer-predictor.ns", "--http_port", "8081"],
        {"HOSTNAME": "pod-1"},
    )
    assert settings.kind is WitnessKind.TRANSFORMER
    assert settings.predictor_host == "torch-transformer-predictor.ns"
    assert settings.model_name == "mnist"
    assert settings.port == 8081
    assert settings.service_seconds == 0
    assert settings.pod == "pod-1"


def test_the_arguments_of_tensorflow_serving_make_a_model() -> None:
    settings = from_process(
        ["--port=9000", "--rest_api_port=8080", "--model_name=flowers-sample", "--model_base_path=/mnt/models"],
        {"POD_NAME": "p", "WITNESS_SERVICE_MS": "20", "WITNESS_START_SECONDS": "1.5"},
    )
    assert settings.kind is WitnessKind.MODEL
    assert settings.port == 8080
    assert settings.service_seconds == pytest.approx(0.02)
    assert settings.start_seconds == 1.5
    assert settings.model_name == "flowers-sample"


def test_the_port_of_the_runtime_contract_is_used() -> None:
    assert from_process([], {"PORT": "9999"}).port == 9999
    assert from_process([], {}).port == 8080


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"WITNESS_KIND": "oracle"}, "WITNESS_KIND='oracle'; known: model, transformer"),
        ({"WITNESS_KIND": "transformer"}, "a transformer needs PREDICTOR_HOST"),
        ({"WITNESS_SERVICE_MS": "fast"}, "WITNESS_SERVICE_MS='fast' is not a number"),
        ({"WITNESS_START_SECONDS": "-1"}, "WITNESS_START_SECONDS='-1' must be 0 or more"),
        ({"PORT": "http"}, "PORT='http' is not a number"),
    ],
)
def test_settings_that_make_no_sense_are_named(environment: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_process([], environment)
    assert text in str(caught.value)


def test_devices_come_from_environment_and_device_files(tmp_path: Path) -> None:
    for name in ("nvidia1", "nvidia0", "nvidiactl", "null"):
        (tmp_path / name).touch()
    found = devices({"NVIDIA_VISIBLE_DEVICES": "GPU-a, GPU-b"}, tmp_path)
    assert found == ("GPU-a", "GPU-b", str(tmp_path / "nvidia0"), str(tmp_path / "nvidia1"))


@pytest.mark.parametrize("word", ["all", "none", "void", ""])
def test_a_word_for_all_or_no_devices_names_none(word: str, tmp_path: Path) -> None:
    assert devices({"NVIDIA_VISIBLE_DEVICES": word}, tmp_path) == ()


def test_the_storage_initializer_makes_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "models"
    arguments = ["gs://kfserving-examples/models/tensorflow/flowers", str(folder)]
    assert model_storage.wanted(arguments)
    assert model_storage.main(arguments) == 0
    assert (folder / "1" / "saved_model.pb").exists()
    assert "flowers" in (folder / "witness.json").read_text()
    assert "gs://" in capsys.readouterr().out


def test_a_storage_initializer_without_a_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert not model_storage.wanted(["--model_name", "m"])
    assert model_storage.main(["gs://x"]) == 64
    assert "pairs" in capsys.readouterr().err

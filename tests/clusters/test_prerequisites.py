"""What is missing on this machine is one line and exit code 69, before anything is started or written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cli.entry import invoke
from tests.clusters.stand_in import stand_in

NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


Run = Callable[..., list[str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to work in: a home without tools and settings."""
    place = tmp_path / "place"
    place.mkdir()
    for name in ("KIND", "DOCKER", "KUBECONFIG", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"PATH": "", "HOME": str(place), "PYTEST_ADDOPTS": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def refused(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`conformance run` on a cluster with these tools and no others, which ends with 69; what it says."""

    def run(cluster: str, tools: Path | None = None) -> list[str]:
        monkeypatch.setenv("PATH", str(tools or ""))
        assert invoke(["run", "--cluster", cluster]) == 69
        assert not (place / "reports").exists()
        return capsys.readouterr().err.splitlines()

    return run


@pytest.mark.parametrize(
    ("cluster", "text"),
    [
        ("kind", "need Docker; install it, or take CLUSTER=embedded"),
        ("k3s", "need Docker; install it, or take CLUSTER=embedded"),
        ("existing", "kubeconfig at its default place: "),
    ],
)
def test_a_run_without_what_its_cluster_needs_is_one_line(refused: Run, cluster: str, text: str) -> None:
    (line,) = refused(cluster)
    assert line.startswith("error: ")
    assert text in line


def test_a_daemon_that_does_not_run_is_said_before_kind_is_asked(tmp_path: Path, refused: Run) -> None:
    docker = stand_in(tmp_path, "docker").answer("info", out="\n", err=f"{NO_DAEMON}\n", code=1)
    assert refused("kind", docker.folder) == [f"error: docker has no running daemon: {NO_DAEMON}; start it"]


def test_without_kind_its_address_is_named(tmp_path: Path, refused: Run) -> None:
    docker = stand_in(tmp_path, "docker").answer("info", out="28.2.2\n")
    (line,) = refused("kind", docker.folder)
    assert "needs the kind command line tool v0.30.0, set KIND or put it on PATH: https://github.com/" in line


def test_pytest_ends_with_the_same_words_and_code(place: Path) -> None:
    arguments = ("-p", "no:cacheprovider", "--conformance", "--conformance-cluster", "kind")
    done = subprocess.run([sys.executable, "-m", "pytest", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 69
    assert "need Docker; install it, or take CLUSTER=embedded" in done.stdout + done.stderr
    assert not (place / "reports").exists()

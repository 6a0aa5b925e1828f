"""What is missing on this machine is one line and exit code 69, before anything is started or written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clusters.stand_in import stand_in

NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


def suite(folder: Path, *arguments: str, tools: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The suite in a folder of its own, with these tools and no others."""
    path = os.pathsep.join(str(tool) for tool in tools)
    kept = {name: value for name, value in os.environ.items() if name not in ("KIND", "DOCKER", "KUBECONFIG", "CI")}
    environ = {**kept, "PATH": path, "HOME": str(folder), "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("cluster", "text"),
    [
        ("kind", "need Docker; install it, or take CLUSTER=embedded"),
        ("k3s", "need Docker; install it, or take CLUSTER=embedded"),
        ("existing", "kubeconfig at its default place: "),
    ],
)
def test_a_run_without_what_its_cluster_needs_is_one_line(tmp_path: Path, cluster: str, text: str) -> None:
    done = suite(tmp_path, "conformance", "run", "--cluster", cluster)
    assert done.returncode == 69
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert text in line
    assert not (tmp_path / "reports").exists()


def test_a_daemon_that_does_not_run_is_said_before_kind_is_asked(tmp_path: Path) -> None:
    tools, place = tmp_path / "tools", tmp_path / "place"
    tools.mkdir()
    place.mkdir()
    docker = stand_in(tools, "docker").answer("info", out="\n", err=f"{NO_DAEMON}\n", code=1)
    done = suite(place, "conformance", "run", "--cluster", "kind", tools=(docker.folder,))
    assert done.returncode == 69
    assert done.stderr.splitlines() == [f"error: docker has no running daemon: {NO_DAEMON}; start it"]
    assert not (place / "reports").exists()


def test_without_kind_its_address_is_named(tmp_path: Path) -> None:
    tools, place = tmp_path / "tools", tmp_path / "place"
    tools.mkdir()
    place.mkdir()
    docker = stand_in(tools, "docker").answer("info", out="28.2.2\n")
    done = suite(place, "conformance", "run", "--cluster", "kind", tools=(docker.folder,))
    assert done.returncode == 69
    (line,) = done.stderr.splitlines()
    assert "needs the kind command line tool v0.30.0, set KIND or put it on PATH: https://github.com/" in line
    assert not (place / "reports").exists()


def test_pytest_ends_with_the_same_words_and_code(tmp_path: Path) -> None:
    arguments = ("pytest", "-p", "no:cacheprovider", "--conformance", "--conformance-cluster", "kind")
    done = suite(tmp_path, *arguments)
    assert done.returncode == 69
    assert "need Docker; install it, or take CLUSTER=embedded" in done.stdout + done.stderr
    assert not (tmp_path / "reports").exists()

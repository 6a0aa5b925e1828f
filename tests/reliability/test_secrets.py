"""Secrets planted where users keep them turn up nowhere: not in recordings, reports, output or process arguments."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.smoke

HEADER = "canary-header-4f1c9a77"
ENVIRONMENT = "canary-environment-88d2b0e1"
FILE = "canary-kubeconfig-comment-c03fd5aa"
SCENARIO = "components-old"
"""A short scenario with a load."""
LOADED = "*/recording/*/load-0.rows"


@dataclass
class Served:
    """An embedded platform of its own."""

    kubeconfig: Path
    token: str
    ingress: str
    pid: int


@pytest.fixture(scope="module")
def platform() -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, "-m", "clusters.embedded"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    told = json.loads(process.stdout.readline())
    yield Served(Path(told["kubeconfig"]), Path(told["token_file"]).read_text().strip(), told["ingress"], process.pid)
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


def test_the_platforms_files_are_its_owners_alone(platform: Served) -> None:
    for path in (platform.kubeconfig, *platform.kubeconfig.parent.iterdir()):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path}: {mode:o}"
    assert len(platform.token) >= 32


@pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="reads Linux's table of sockets")
def test_the_platform_listens_on_loopback_only(platform: Served) -> None:
    inodes = set()
    for entry in Path(f"/proc/{platform.pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        if found := re.fullmatch(r"socket:\[(\d+)\]", target):
            inodes.add(found[1])
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).is_file():
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            listening += [row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]
    assert listening
    assert set(listening) <= {"0100007F", "00000000000000000000000001000000"}, listening


@pytest.mark.long
def test_planted_secrets_turn_up_nowhere(platform: Served, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(f"# {FILE}\n" + platform.kubeconfig.read_text())
    secret = tmp_path / "secret"
    secret.write_text(HEADER)
    (tmp_path / "conformance.yaml").write_text(
        f"ingress:\n  headers:\n    x-api-key: {{file: {secret}}}\n    authorization: {{env: MY_KEY, prefix: 'Key '}}\n"
    )
    reports = tmp_path / "reports"
    watcher = Arguments()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "conformance", "run", "--cluster", "existing"),
            *("--config", str(tmp_path / "conformance.yaml"), "--kubeconfig", str(kubeconfig)),
            *("--ingress", platform.ingress, "--only", SCENARIO, "--reports", str(reports)),
            # Pods are half a minute on their way out, which is not what this is about.
            *("--set", "timeouts.deletion_timeout_seconds=1"),
        ],
        env={**os.environ, "MY_KEY": ENVIRONMENT, "AWS_SECRET_ACCESS_KEY": ENVIRONMENT},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with watcher:
        end = time.monotonic() + 90
        while process.poll() is None and not any(path.stat().st_size for path in reports.glob(LOADED)):
            assert time.monotonic() < end
            time.sleep(0.2)
        # A load is under way, so everything has been sent that ever will be.
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=90)
    assert any(path.stat().st_size for path in reports.glob(LOADED)), output
    secrets = [text.encode() for text in (HEADER, ENVIRONMENT, FILE, platform.token)]
    files = [path for path in reports.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        leaked = [text for text in secrets if text in path.read_bytes()]
        assert not leaked, f"{path}: {leaked}"
    assert not [text for text in secrets if text in output]
    assert watcher.seen > 1
    assert not [text for text in secrets if text in watcher.everything]


class Arguments:
    """Looks at the arguments of all processes, again and again until its block ends."""

    def __init__(self) -> None:
        self.everything = b""
        self.seen = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        lines: set[bytes] = set()
        while not self._over.wait(0.5):
            done = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, check=False, timeout=20)
            lines |= set(done.stdout.splitlines())
            self.seen += 1
        self.everything = b"\n".join(sorted(lines))

    def __enter__(self) -> Arguments:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

"""The script around the recorder of golden data, with a stand-in for Go: the recorder itself needs Knative's code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

RECORDER = Path(__file__).parents[3] / "fixtures" / "golden" / "recorder"
TOOLS = ("dirname", "basename", "mkdir", "mktemp", "chmod", "rm", "date", "git", "cat", "cp", "echo")

GO = """#!/bin/sh
for word in "$@"; do
  if [ -n "$overlay" ]; then cat "$word" >"$STAND_IN_LOG"; overlay=; fi
  if [ -n "$output" ]; then printf '#!/bin/sh\\necho "$@"\\n' >"$word"; chmod +x "$word"; output=; fi
  case $word in -overlay) overlay=1 ;; -o) output=1 ;; esac
done
"""


def record(tmp_path: Path, *words: str, go: bool = True) -> subprocess.CompletedProcess[str]:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    if go:
        (tools / "go").write_text(GO)
        (tools / "go").chmod(0o755)
    # The script writes beside itself, so a copy of it is run.
    place = tmp_path / "golden" / "recorder"
    shutil.copytree(RECORDER, place)
    environ = {"PATH": str(tools), "STAND_IN_LOG": str(tmp_path / "overlay.json"), "TMPDIR": str(tmp_path)}
    command = ["/bin/sh", str(place / "record.sh"), *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_without_go_the_reason_is_one_line(tmp_path: Path) -> None:
    done = record(tmp_path, "1.23", go=False)
    assert done.returncode == 69
    assert done.stderr.startswith("error: recording needs Go 1.25 or later; replaying")


def test_a_checkout_is_built_with_the_recorder_laid_over_it_and_left_as_it_is(tmp_path: Path) -> None:
    source = tmp_path / "serving"
    source.mkdir()
    done = record(tmp_path, "1.23", str(source))
    assert done.returncode == 0, done.stderr
    replaced = json.loads((tmp_path / "overlay.json").read_text())["Replace"]
    assert {Path(path).name for path in replaced} == {path.name for path in RECORDER.glob("*.go")}
    assert {Path(path).parent for path in replaced} == {source / "pkg" / "goldenrecorder"}
    assert all(os.path.isfile(path) for path in replaced.values())
    assert list(source.iterdir()) == []
    assert "versions/1.23.0.json -knative 1.23.0" in done.stdout

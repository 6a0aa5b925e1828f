"""Stand-in executables: they record how they were called and answer as the real ones do.

The answers of `kind` were seen with kind v0.30.0 without Docker (version, help, refusals) and read in its sources for
what needs Docker; those of `docker` are Docker 28.2's, those of `helm` Helm 3's.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = """#!{python}
import json, os, signal, sys
here = {folder!r}
stdin = sys.stdin.read() if {reads_stdin} and "--interactive" in sys.argv else ""
with open(os.path.join(here, "log.jsonl"), "a") as log:
    log.write(json.dumps({{"argv": sys.argv[1:], "stdin": stdin}}) + "\\n")
with open(os.path.join(here, "answers.json")) as file:
    answers = json.load(file)
words = " ".join(sys.argv[1:])
for start, answer in answers:
    if words.startswith(start):
        for path, text in answer.get("files", {{}}).items():
            name = sys.argv[sys.argv.index(path) + 1]
            open(name, "w").write(text)
        if answer.get("once"):
            answers.remove([start, answer])
            with open(os.path.join(here, "answers.json"), "w") as file:
                json.dump(answers, file)
        if answer.get("hangs"):
            signal.pause()
        sys.stdout.write(answer.get("out", ""))
        sys.stderr.write(answer.get("err", ""))
        sys.exit(answer.get("code", 0))
sys.stderr.write("stand-in: no answer for " + words)
sys.exit(99)
"""


@dataclass(frozen=True)
class StandIn:
    """One executable."""

    folder: Path
    name: str

    @property
    def path(self) -> str:
        return str(self.folder / self.name)

    def answer(self, start: str, **answer: Any) -> StandIn:
        """What to say when called with words that start so; earlier answers come first. `files` maps an option to the
        text written into the file it names; `once` answers are used up; one that `hangs` waits to be killed."""
        place = self.folder / "answers.json"
        answers = json.loads(place.read_text(encoding="utf-8"))
        place.write_text(json.dumps([*answers, [start, answer]]), encoding="utf-8")
        return self

    @property
    def calls(self) -> list[str]:
        """Every call so far, arguments joined by blanks."""
        return [" ".join(entry["argv"]) for entry in self.entries]

    @property
    def entries(self) -> list[dict[str, Any]]:
        place = self.folder / "log.jsonl"
        if not place.exists():
            return []
        return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


def stand_in(folder: Path, name: str) -> StandIn:
    """Make one below `folder`, in a folder of its own that can be put on PATH."""
    place = folder / f"{name}-bin"
    place.mkdir()
    program = place / name
    program.write_text(
        PROGRAM.format(python=sys.executable, folder=str(place), reads_stdin=name == "docker"), encoding="utf-8"
    )
    program.chmod(0o755)
    (place / "answers.json").write_text("[]", encoding="utf-8")
    return StandIn(place, name)

"""Targets that read files: recordings, runs, bundles, manifests, settings, plans."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from conformance.base.errors import UsageError
from conformance.judge import arrivals
from conformance.judge.judged_run import store
from conformance.judge.judging import judge_run
from conformance.judge.serial import load as load_judgements
from conformance.kube.serving_runtimes import from_file
from conformance.load import flags
from conformance.load.load_errors import InvalidLoadError
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.run_record import Run
from conformance.run.deployment import manifest_name
from conformance.settings.settings import load as load_settings
from reports import bundle as bundles
from reports import manifest
from reports.verifying import verify
from tests.reliability.fuzz.mutation import misshapen, spoilt
from tests.reports.folders import run_folder, stairway

DATA = st.data()
WALL = 1_790_000_000.0


@cache
def finished() -> Path:
    """A small reported run, made once per process and only ever copied."""
    import reports
    from conformance.judge.judging import judge_run

    place = Path(tempfile.mkdtemp(prefix="conformance-fuzz-"))
    import atexit

    atexit.register(shutil.rmtree, place, ignore_errors=True)
    story = stairway(pods=4, load_seconds=10.0, leaving=34.0)
    folder = run_folder(place, (), stories=(story,), features=())
    judged = judge_run(folder)
    store(judged)
    reports.write(judged)
    return folder


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="conformance-fuzz-") as place:
        yield Path(shutil.copytree(folder, Path(place) / "run"))


def recording_bytes(data: st.DataObject) -> None:
    """Bytes of any file of a recording."""
    source = next((finished() / "recording").iterdir())
    with copied(source) as folder:
        path = folder / data.draw(st.sampled_from(sorted(entry.name for entry in source.iterdir())))
        path.write_bytes(data.draw(spoilt(path.read_bytes())))
        with suppress(UnreadableRecordingError):
            recording = Recording(folder)
            list(recording.facts())
            arrivals.read(recording.loads())


def recording_facts(data: st.DataObject) -> None:
    """Facts of the wrong shape, judged."""
    with copied(finished()) as folder:
        path = next((folder / "recording").glob("*/facts.jsonl"))
        lines = path.read_bytes().splitlines()
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(lines) - 1))
            value = data.draw(misshapen(json.loads(lines[at])))
            lines[at] = json.dumps(value).encode("utf-8", "surrogatepass").replace(b"\n", b" ")
        path.write_bytes(b"\n".join(lines) + b"\n")
        _judged(folder)


def run_description(data: st.DataObject) -> None:
    """run.json and recording.json of the wrong shape, judged."""
    with copied(finished()) as folder:
        path = data.draw(st.sampled_from(sorted([folder / "run.json", *folder.glob("recording/*/recording.json")])))
        value = data.draw(misshapen(json.loads(path.read_bytes())))
        path.write_text(json.dumps(value), encoding="utf-8")
        _judged(folder)


def _judged(folder: Path) -> None:
    """Judging ends in one judgement a requirement or in a ValueError, which the command turns into a sentence."""
    with suppress(ValueError):
        assert len({entry.requirement for entry in judge_run(folder).judgements}) > 0 or not Run.read(folder).profiles


@cache
def packed() -> bytes:
    with tempfile.TemporaryDirectory() as place:
        return bundles.bundle(finished(), Path(place) / "b.tar.gz").read_bytes()


NAMES = st.sampled_from(
    ("../x", "/x", "a/../../x", "report.yaml", "a\x00b", "\x1b[2J", "a" * 500, "C:x", "a\\..\\x", "", ".")
)


def bundle_bytes(data: st.DataObject) -> None:
    """A spoilt archive, or one with hostile members."""
    with tempfile.TemporaryDirectory(prefix="conformance-fuzz-") as place:
        outside = Path(place)
        path = outside / "b.tar.gz"
        path.write_bytes(data.draw(spoilt(packed())) if data.draw(st.booleans()) else _hostile(data))
        with suppress(UsageError), bundles.opened(path) as folder:
            assert not any(entry.is_symlink() for entry in folder.rglob("*"))
        assert [entry.name for entry in outside.iterdir()] == ["b.tar.gz"]


def _hostile(data: st.DataObject) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in data.draw(st.lists(NAMES | st.text(max_size=8), min_size=1, max_size=5)):
            member = tarfile.TarInfo(name)
            member.type = data.draw(
                st.sampled_from((tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE))
            )
            member.linkname = data.draw(NAMES)
            member.size = 3 if member.isreg() else 0
            with suppress(UnicodeEncodeError):
                archive.addfile(member, io.BytesIO(b"abc"))
    return out.getvalue()


def submission(data: st.DataObject) -> None:
    """A submission with one spoilt file, verified."""
    with copied(finished()) as folder:
        files = sorted(entry for entry in folder.rglob("*") if entry.is_file() and entry.stat().st_size < 300_000)
        path = data.draw(st.sampled_from(files))
        if path.suffix == ".json" and data.draw(st.booleans()):
            path.write_text(json.dumps(data.draw(misshapen(json.loads(path.read_bytes())))), encoding="utf-8")
        elif path.suffix == ".yaml" and data.draw(st.booleans()):
            value = data.draw(misshapen(yaml.safe_load(path.read_bytes())))
            with suppress(yaml.YAMLError, UnicodeEncodeError):
                path.write_text(yaml.safe_dump(value), encoding="utf-8")
        else:
            path.write_bytes(data.draw(spoilt(path.read_bytes())))
        for finding in verify(folder, WALL):
            assert all(isinstance(problem, str) for problem in finding.problems)


EXAMPLES = Path(__file__).parents[3] / "fixtures" / "examples"


def manifest_text(data: st.DataObject) -> None:
    """An InferenceService's manifest."""
    source = data.draw(st.sampled_from(sorted(EXAMPLES.glob("*.yaml")))).read_bytes()
    with suppress(UsageError):
        assert isinstance(manifest_name(data.draw(spoilt(source))), str)


def run_manifest(data: st.DataObject) -> None:
    """manifest.json and judgements.json."""
    with suppress(ValueError, RecursionError):
        manifest.read(data.draw(spoilt((finished() / manifest.NAME).read_bytes())))
    with suppress(ValueError, RecursionError):
        load_judgements(data.draw(spoilt((finished() / "judgements.json").read_bytes())))


SETTINGS = Path(__file__).parents[3] / "docs" / "conformance.yaml"


def settings_file(data: st.DataObject) -> None:
    """conformance.yaml, the environment and flags."""
    source = SETTINGS.read_bytes()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "conformance.yaml"
        if data.draw(st.booleans()):
            path.write_bytes(data.draw(spoilt(source)))
        else:
            with suppress(yaml.YAMLError, UnicodeEncodeError):
                path.write_text(yaml.safe_dump(data.draw(misshapen(yaml.safe_load(source) or {"run": {}}))))
        with suppress(UsageError):
            load_settings(path if path.exists() else None, environ=data.draw(ENVIRONMENT), flags={})


ENVIRONMENT = st.dictionaries(
    st.sampled_from(
        (
            "CONFORMANCE_SEED",
            "CONFORMANCE_INGRESS_HEADERS",
            "CONFORMANCE_PROFILES",
            "CONFORMANCE_TIMEOUTS",
            "CONFORMANCE_X",
        )
    ),
    st.text(max_size=20) | st.sampled_from(("[", "{", "{a: *b}", "[1,2]", "{" * 500, "&a [*a]", "inf", "nan", "1e9")),
    max_size=2,
)


def plan_and_runtimes(data: st.DataObject) -> None:
    """A load plan and a vendor's runtimes."""
    plan: dict[str, Any] = {
        "phases": [{"shape": "constant", "seconds": 5, "rate": 2}, {"shape": "closed", "seconds": 1, "workers": 2}],
        "timeout_seconds": 20,
    }
    runtime = {"kind": "ServingRuntime", "metadata": {"name": "x"}, "spec": {"containers": [{"name": "a"}]}}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.yaml"
        with suppress(yaml.YAMLError, UnicodeEncodeError):
            path.write_text(yaml.safe_dump(data.draw(misshapen(data.draw(st.sampled_from((plan, runtime)))))))
        if path.exists():
            with suppress(InvalidLoadError):
                flags.read_plan(str(path))
            with suppress(UsageError):
                from_file(path)

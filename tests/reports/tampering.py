"""Submissions that somebody changed: how, and which rules that breaks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from reports import manifest, statement
from reports.bundle import read_yaml
from reports.canonical import dump_yaml, file_digest


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_yaml((folder / "report.yaml").read_bytes())
    return found


def seal(folder: Path, value: dict[str, Any]) -> None:
    """What a forger would do after changing something: a manifest that fits, and a report that fits the manifest."""
    entries = manifest.list_files(folder)
    manifest.write(folder, entries)
    value["evidence"]["files"] = [{"path": e.path, "digest": e.digest, "bytes": e.bytes} for e in entries]
    value["evidence"]["digest"] = file_digest(folder / manifest.NAME)
    (folder / "report.yaml").write_bytes(dump_yaml(value))


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """A change of report.yaml alone."""

    def tamper(folder: Path) -> None:
        value = report(folder)
        change(value)
        (folder / "report.yaml").write_bytes(dump_yaml(value))

    return tamper


def edit_json(name: str, change: Callable[[Any], object]) -> Callable[[Path], None]:
    """A change of a JSON file, sealed again."""

    def tamper(folder: Path) -> None:
        value = json.loads((folder / name).read_text(encoding="utf-8"))
        change(value)
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
        seal(folder, report(folder))

    return tamper


def edit_facts(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        path = folder / RECORDING / "facts.jsonl"
        facts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        change(facts)
        path.write_text("".join(json.dumps(fact) + "\n" for fact in facts), encoding="utf-8")
        seal(folder, report(folder))

    return tamper


def requirement(value: dict[str, Any], verdict: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in value["requirements"] if entry["verdict"] == verdict)
    return found


RECORDING = "recording/target-concurrency"


def a_failure_called_a_pass(folder: Path) -> None:
    value = report(folder)
    entry = requirement(value, "FAIL")
    entry["verdict"] = "PASS"
    (folder / "report.yaml").write_bytes(dump_yaml(value))


def a_changed_recording(folder: Path) -> None:
    path = folder / RECORDING / "load-0.rows"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(bytes(data))


def an_extra_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello", encoding="utf-8")


def a_missing_file(folder: Path) -> None:
    (folder / "summary.md").unlink()


def a_changed_setting(folder: Path) -> None:
    value = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))
    value["timeouts"]["readiness_timeout_seconds"] = 240.0
    (folder / "settings.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    seal(folder, report(folder))


def forged_judgements(folder: Path) -> None:
    path = folder / "judgements.json"
    path.write_bytes(path.read_bytes().replace(b'"unit":"pods"', b'"unit":"Pods"'))
    seal(folder, report(folder))


def no_requests(folder: Path) -> None:
    (folder / RECORDING / "load-0.rows").write_bytes(b"")
    seal(folder, report(folder))


def a_second_recording(folder: Path) -> None:
    shutil.copytree(folder / RECORDING, folder / "recording" / "better")
    seal(folder, report(folder))


def answers_from_nowhere(folder: Path) -> None:
    (folder / RECORDING / "load-0.names").write_text("cache-1\n" * 4, encoding="utf-8")
    seal(folder, report(folder))


def a_pod_that_served_less(facts: list[dict[str, Any]]) -> None:
    for fact in facts:
        if fact["kind"] == "witness":
            fact["body"]["served"] //= 2


def another_history(folder: Path) -> None:
    """The counts agree, the requests do not."""
    for path in (folder / "witness" / "target-concurrency").iterdir():
        account = json.loads(path.read_text(encoding="utf-8"))
        account["requests"] = [str(int(number) + 100_000) for number in account["requests"]]
        path.write_text(json.dumps(account) + "\n", encoding="utf-8")
    seal(folder, report(folder))


def no_word_of_the_witness(facts: list[dict[str, Any]]) -> None:
    facts[:] = [fact for fact in facts if fact["kind"] != "witness"]


def a_token_in_a_log(folder: Path) -> None:
    (folder / "logs").mkdir()
    (folder / "logs" / "suite.log").write_text(
        "authorization: Bearer sha256~Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6\n", encoding="utf-8"
    )
    seal(folder, report(folder))


def a_private_address(folder: Path) -> None:
    (folder / "logs").mkdir()
    (folder / "logs" / "suite.log").write_text("dial tcp 10.42.0.17:8012: refused\n", encoding="utf-8")
    seal(folder, report(folder))


def a_statement_about_something_else(folder: Path) -> None:
    statement.write(folder)
    value = report(folder)
    (folder / "plots" / "target-concurrency.svg").write_text("<svg/>", encoding="utf-8")
    seal(folder, value)


def a_readme_with_a_link(folder: Path) -> None:
    (folder / "README.md").write_text("# x\n\n## Reproduce\n\nSee https://example.org/how\n", encoding="utf-8")


def clock_backwards(facts: list[dict[str, Any]]) -> None:
    facts[-1]["t"] = 1.0


def another_kind_of_accelerator(facts: list[dict[str, Any]]) -> None:
    facts[0]["body"]["data"]["accelerator_kind"] = "none"


def a_longer_gap(facts: list[dict[str, Any]]) -> None:
    gap = next(fact for fact in facts if fact["kind"] == "gap")
    gap["body"]["from"] = 29.2


def _drop(value: dict[str, Any], identity: str) -> None:
    value["requirements"] = [entry for entry in value["requirements"] if entry["id"] != identity]


def _double(value: dict[str, Any]) -> None:
    value["requirements"].append(value["requirements"][0])


def _claim(run: dict[str, Any]) -> None:
    run["features"] = ["TotallyNewFeature"]


TAMPERED: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "an unknown field": (edit(lambda v: v.update(extra=1)), {"V01"}),
    "a branch as version": (edit(lambda v: v["implementation"].update(version="main")), {"V01"}),
    "a recording changed": (a_changed_recording, {"V02"}),
    "an extra file": (an_extra_file, {"V02"}),
    "a file missing": (a_missing_file, {"V02"}),
    "a manifest digest": (edit(lambda v: v["evidence"].update(digest="sha256:" + "0" * 64)), {"V02"}),
    "an unreleased suite": (edit(lambda v: v["suite"].update(version="9.9.9")), {"V03"}),
    "a modified suite": (edit(lambda v: v["suite"].update(sourceDigest="sha256:" + "1" * 64)), {"V03"}),
    "another catalogue": (edit(lambda v: v["suite"].update(catalogueDigest="sha256:" + "2" * 64)), {"V04"}),
    "other examples": (edit(lambda v: v["suite"].update(examplesDigest="sha256:" + "3" * 64)), {"V04"}),
    "a requirement left out": (edit(lambda v: _drop(v, v["requirements"][3]["id"])), {"V05"}),
    "a requirement twice": (edit(_double), {"V05"}),
    "loads without requests": (no_requests, {"V06"}),
    "a failure called a pass": (a_failure_called_a_pass, {"V07"}),
    "better statistics": (edit(lambda v: v["profiles"][0]["core"]["statistics"].update(Failed=0)), {"V07"}),
    "a friendlier result": (edit(lambda v: v["profiles"][0]["core"].update(result="success")), {"V07"}),
    "another product version": (edit(lambda v: v["implementation"].update(version="2.0.0")), {"V07"}),
    "a better self-test": (edit(lambda v: v["suite"]["selfTest"].update(killed=1, survived=[])), {"V07"}),
    "another kind of cluster": (edit(lambda v: v["run"].update(provider="existing")), {"V07"}),
    "trust that nobody gave": (edit(lambda v: v["run"].update(unverified=["the ingress"])), {"V07"}),
    "a drift left out": (edit(lambda v: v.pop("documentDrift")), {"V07"}),
    "a feature nobody knows": (edit_json("run.json", _claim), {"V08"}),
    "a hidden deviation": (a_changed_setting, {"V09"}),
    "strict without reason": (edit(lambda v: v["settings"].update(strict=False)), {"V09"}),
    "a gap made shorter": (edit_facts(a_longer_gap), {"V10"}),
    "forged judgements": (forged_judgements, {"V11"}),
    "a better figure": (edit(lambda v: requirement(v, "PASS")["measured"].update(value=7.5)), {"V11"}),
    "a clock that goes back": (edit_facts(clock_backwards), {"V12"}),
    "a report from the future": (edit(lambda v: v.update(date="2026-03-01T00:00:00Z")), {"V12"}),
    "another run's recording": (
        edit_json(f"{RECORDING}/recording.json", lambda v: v.update(run="20261124-000000-0000")), {"V13"},
    ),
    "a second recording": (a_second_recording, {"V13"}),
    "other accelerators": (edit_facts(another_kind_of_accelerator), {"V14"}),
    "a platform broken on purpose": (edit_json("run.json", lambda v: v.update(fault="panic-never")), {"V14"}),
    "another fingerprint": (edit(lambda v: v["environment"].update(fingerprint="sha256:" + "4" * 64)), {"V14"}),
    "answers from nowhere": (answers_from_nowhere, {"V15"}),
    "answers that the pod does not know": (edit_facts(a_pod_that_served_less), {"V15"}),
    "other requests than the pod's": (another_history, {"V15"}),
    "no word of the witness": (edit_facts(no_word_of_the_witness), {"V15"}),
    "a token in a log": (a_token_in_a_log, {"V16"}),
    "a private address": (a_private_address, {"V16"}),
    "a README with a link": (a_readme_with_a_link, {"V17"}),
    "a statement about something else": (a_statement_about_something_else, {"V18"}),
}  # fmt: skip

FOLLOWING: dict[str, set[str]] = {
    "V01": {"V07"},
    "V03": {"V04"},
    "V06": {"V02", "V07", "V10", "V11", "V15"},
    "V08": {"V07", "V11"},
    "V07": {"V11"},
    "V09": {"V11"},
    "V10": {"V07", "V11"},
    "V12": {"V07", "V10", "V11"},
    "V13": {"V07", "V11"},
    "V14": {"V11", "V07"},
    "V15": {"V07", "V10", "V11"},
    "V11": {"V07"},
    "V02": set(),
}
"""What a breach may break besides, because it rests on the same thing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.recording.body import ChangeType
from conformance.recording.pod_bodies import EventBody, PodBody
from conformance.recording.redaction import Redactor
from conformance.recording.run_bodies import ConfigBody
from tests.reports.folders import run_folder, stairway

RAW = (
    "ip-10-0-3-17.eu-central-1.compute.internal",
    "gpu-worker-blue",
    "api.prod.corp.example",
    "10.42.0.17",
    "192.168.7.9",
    "172.20.1.1",
    "fd00:10:96::a",
    "sha256~s3cr3ts3cr3ts3cr3t",
    "hunter2hunter2",
)


@pytest.fixture
def redactor() -> Redactor:
    found = Redactor(["hunter2hunter2"])
    for name in RAW[:2]:
        found.learn("node", name)
    found.learn("api", RAW[2])
    return found


def test_names_become_the_same_pseudonym_each_time(redactor: Redactor) -> None:
    text = redactor.text(f"assigned p to {RAW[1]}; {RAW[1]} has 10.42.0.17, {RAW[0]} 10.42.0.18 and 10.42.0.17")
    assert text == "assigned p to node-2; node-2 has address-1, node-1 address-2 and address-1"


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:8080",
        "localhost",
        "gpu-worker-blue-7",
        "my-gpu-worker-blue",
        "version 110.42.0.17",
        "172.32.0.1",
        "flowers-sample-predictor.space.example.com",
        "fd00",
    ],
)
def test_what_tells_nothing_about_a_site_stays(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("load /root/images/envoy.tar", "load ~/images/envoy.tar"),
        ('"file":"/home/jo.doe/src/a.go:7"', '"file":"~/src/a.go:7"'),
        (r"run\n\t/root/src/a.go:7", r"run\n\t~/src/a.go:7"),
        ("/Users/jo/b", "~/b"),
        ("https://example.com/home/page/1", "https://example.com/home/page/1"),
        ("gs://models/root/1", "gs://models/root/1"),
        ("/rooted/x and /mnt/models", "/rooted/x and /mnt/models"),
    ],
)
def test_a_home_directory_names_nobody(redactor: Redactor, text: str, redacted: str) -> None:
    assert redactor.text(text) == redacted


def test_secrets_are_gone(redactor: Redactor) -> None:
    text = redactor.text("Authorization: Bearer sha256~s3cr3ts3cr3ts3cr3t, password hunter2hunter2")
    assert text == "Authorization: Bearer redacted, password redacted"


def test_a_redacted_text_stays_as_it_is(redactor: Redactor) -> None:
    once = redactor.text(" ".join(RAW))
    assert redactor.text(once) == once


def test_a_recording_holds_no_raw_value(tmp_path: Path, redactor: Redactor) -> None:
    from conformance.recording.writer import Header, Recorder
    from tests.reports.folders import Hand

    header = Header("s", "r", 1, "virtual", 0.0, 0.0, "0", "existing", {})
    with Recorder(tmp_path / "s", header, Hand(), redactor) as recorder:
        recorder.write(PodBody("p", ChangeType.ADDED, node="never-seen-before-node"))
        recorder.write(EventBody(message=f"Bearer {RAW[7]} to https://{RAW[2]}:6443 from never-seen-before-node"))
        recorder.write(ConfigBody("config-domain", {RAW[2]: "", "x": list(RAW)}))
    text = (tmp_path / "s" / "facts.jsonl").read_text(encoding="utf-8")
    assert not [raw for raw in (*RAW, "never-seen-before-node") if raw in text]
    assert json.loads(text.splitlines()[0])["body"]["node"] == "node-3"


def test_redaction_leaves_an_innocent_recording_alone(tmp_path: Path) -> None:
    story = stairway()
    folder = run_folder(tmp_path, (), stories=(story,))
    text = (folder / "recording" / "target-concurrency" / "facts.jsonl").read_text(encoding="utf-8")
    assert Redactor().text(text) == text

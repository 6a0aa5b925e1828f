from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from conformance.base.errors import UsageError
from conformance.judge import run_folder
from conformance.recording import archive as archives
from reports.bundle import UnsafeBundleError, bundle, opened, read_yaml


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for member, data in members:
            member.size = len(data) if member.isreg() else 0
            file.addfile(member, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside")],
        [member("/etc/cron.d/x")],
        [member("a/../../b")],
        [member("c:\\x")],
        [member("a\nb")],
        [member("link", tarfile.SYMTYPE, "/etc/passwd")],
        [member("link", tarfile.LNKTYPE, "report.yaml")],
        [member("pipe", tarfile.FIFOTYPE)],
        [member("disk", tarfile.BLKTYPE)],
        [member("report.yaml"), member("report.yaml")],
        [member("a"), member("a/b")],
    ],
)
def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    path = archive(tmp_path / "x.tar.gz", *((entry, b"x") for entry in members))
    with pytest.raises(UnsafeBundleError), opened(path):
        pass
    with pytest.raises(UnsafeBundleError), run_folder.opened(path):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1000)
    path = archive(tmp_path / "x.tar.gz", (member("big"), bytes(2000)))
    with pytest.raises(UnsafeBundleError, match="more than 1000"), opened(path):
        pass


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    path = archive(tmp_path / "x.tar.gz", *((member(f"f{number}"), b"") for number in range(5)))
    with pytest.raises(UnsafeBundleError, match="more than 3"), opened(path):
        pass


def test_a_folder_with_a_link_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    os.symlink("/etc/passwd", folder / "report.yaml")
    with pytest.raises(UnsafeBundleError, match="link"), opened(folder):
        pass


def test_a_link_to_a_run_that_the_user_names_is_followed(written: Path, tmp_path: Path) -> None:
    link = tmp_path / "newest"
    link.symlink_to(written)
    with run_folder.opened(link) as folder:
        assert folder == written.resolve()


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_archive_is_refused_or_read_whole(written: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = bundle(written, tmp_path / "x.tar.gz")
    data = bytearray(path.read_bytes())
    for _ in range(3):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(bytes(data))
    with suppress(UsageError), opened(path) as folder:
        assert any(folder.iterdir())


@pytest.mark.parametrize(
    "data",
    [b"hello", gzip.compress(b"hello", mtime=0), gzip.compress(b"", mtime=0)[:-3], b""],
    ids=["text", "no archive", "torn", "empty"],
)
def test_something_else_is_no_bundle(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="bundle"), opened(path):
        pass


def test_a_bundle_of_the_same_run_has_the_same_bytes(written: Path, tmp_path: Path) -> None:
    first = bundle(written, tmp_path / "a.tar.gz")
    second = bundle(written, tmp_path / "b.tar.gz")
    assert first.read_bytes() == second.read_bytes()
    with opened(first) as folder:
        there = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert there == {path.relative_to(written) for path in written.rglob("*") if path.is_file()}


def test_the_bundles_name_is_the_one_the_report_states(written: Path) -> None:
    path = bundle(written)
    assert path.name == "yoyodyne-turbo-serving-20261124-030100-8f2c.tar.gz"


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x\n",
        "[" * 60 + "]" * 60,
        "- !!python/object/apply:os.system [echo]\n",
        "a: [\n",
        "a: 2026-13-45\n",
        "a: !!bool x\n",
        "a: !!int ''\n",
    ],
)
def test_yaml_of_strangers_is_read_with_care(text: str) -> None:
    with pytest.raises(UsageError):
        read_yaml(text.encode())

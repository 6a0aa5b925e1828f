"""Packs run folders, and opens evidence bundles, those of strangers too: nothing in one is trusted, followed or run."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final, cast

from conformance.base.errors import UsageError

MAX_FILES: Final = 20_000
MAX_FILE_BYTES: Final = 1 << 30
MAX_TOTAL_BYTES: Final = 4 << 30
MAX_PATH: Final = 400


class UnsafeBundleError(UsageError):
    """The bundle holds something that no suite would have put there."""


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The folder of a bundle: the path itself when it is a folder, else unpacked for the time of the block. A link at
    the path itself is the caller's own and followed.

    Raises UnsafeBundleError for links, devices, paths that lead out, names twice, too many or too large files; and
    UsageError for something that is no bundle at all."""
    path = path.resolve()
    if path.is_dir():
        inspect(path)
        yield path
        return
    if not path.is_file():
        raise UsageError(f"{path}: no such file or folder")
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        try:
            with path.open("rb") as file:
                _unpack(file, Path(folder))
        except (tarfile.TarError, EOFError, OSError, zlib.error, OverflowError, ValueError) as error:
            raise UsageError(f"{path}: not a .tar.gz bundle: {error}") from error
        yield Path(folder)


def unpack(data: bytes, folder: Path) -> None:
    """Unpack a bundle into a new folder. Raises as `opened` does; a bundle that breaks off leaves no folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder.parent) as name:
        whole = Path(name) / "run"
        whole.mkdir()
        try:
            _unpack(io.BytesIO(data), whole)
        except (tarfile.TarError, EOFError, OSError, zlib.error, OverflowError, ValueError) as error:
            raise UsageError(f"{folder.name}: not a .tar.gz bundle: {error}") from error
        whole.rename(folder)


def packed(folder: Path, names: Iterable[str] | None = None) -> bytes:
    """A folder's files, or those named, as `.tar.gz`; the same files always give the same bytes."""
    if names is None:
        names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    data = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=data, mtime=0) as stream,
        tarfile.open(fileobj=cast(IO[bytes], stream), mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(names):
            entry = tarfile.TarInfo(name)
            entry.size = (folder / name).stat().st_size
            entry.mode = 0o644
            with (folder / name).open("rb") as file:
                archive.addfile(entry, file)
    return data.getvalue()


def _unpack(file: BinaryIO, folder: Path) -> None:
    total = count = 0
    seen: set[str] = set()
    with tarfile.open(fileobj=file, mode="r:gz") as archive:
        for member in archive:
            count += 1
            if count > MAX_FILES:
                raise UnsafeBundleError(f"more than {MAX_FILES} entries")
            name = safe_name(member.name)
            if member.isdir():
                continue
            if not member.isreg():
                raise UnsafeBundleError(f"{member.name!r} is a link or a device; a bundle holds only files")
            if name in seen:
                raise UnsafeBundleError(f"{name!r} is there twice")
            seen.add(name)
            total += member.size
            _check_size(name, member.size, total)
            source = archive.extractfile(member)
            assert source is not None
            target = folder / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as out:
                    while chunk := source.read(1 << 20):
                        out.write(chunk)
            except (FileExistsError, NotADirectoryError) as error:
                raise UnsafeBundleError(f"{name!r} is a file and a folder, or differs from another by case") from error


def inspect(folder: Path) -> None:
    """Hold a folder to the same limits as an archive."""
    total = count = 0
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise UnsafeBundleError(f"{name!r} is a link or a device; a bundle holds only files")
        safe_name(name)
        count += 1
        total += path.lstat().st_size
        if count > MAX_FILES:
            raise UnsafeBundleError(f"more than {MAX_FILES} files")
        _check_size(name, path.lstat().st_size, total)


def _check_size(name: str, size: int, total: int) -> None:
    if size > MAX_FILE_BYTES:
        raise UnsafeBundleError(f"{name!r} has {size} bytes, more than {MAX_FILE_BYTES}")
    if total > MAX_TOTAL_BYTES:
        raise UnsafeBundleError(f"the files have more than {MAX_TOTAL_BYTES} bytes together")


def safe_name(name: str) -> str:
    """A member's name in normal form. Raises UnsafeBundleError for one that leads out of the bundle or hides."""
    path = PurePosixPath(name)
    bad = (
        path.is_absolute()
        or ".." in path.parts
        or "\\" in name
        or ":" in (path.parts or ("",))[0]
        or len(name) > MAX_PATH
        or not name.isprintable()
        or not path.parts
    )
    if bad:
        raise UnsafeBundleError(f"{name[:80]!r} is no path inside a bundle")
    return path.as_posix()

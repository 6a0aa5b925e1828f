"""Evidence bundles: a run's folder as one file, and reading those of strangers without trusting them."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

import yaml

from conformance.errors import SubmissionError
from reports import manifest

MAX_FILES: Final = 20_000
MAX_FILE_BYTES: Final = 1 << 30
MAX_TOTAL_BYTES: Final = 4 << 30
MAX_PATH: Final = 400
MAX_YAML_BYTES: Final = 32 << 20
MAX_YAML_DEPTH: Final = 40
LARGE_BYTES: Final = 100 << 20
"""A finished bundle above this is worth a warning: it has to be stored for a year."""


class UnsafeBundleError(SubmissionError):
    """The bundle holds something that no suite would have put there."""


def bundle(folder: Path, target: Path | None = None) -> Path:
    """Pack a finished run as `.tar.gz`; the same files always give the same bytes. By default it lies beside the folder
    under the name that report.yaml states. Raises SubmissionError for a folder without report.yaml."""
    report = folder / manifest.REPORT
    if not report.is_file():
        raise SubmissionError(f"{folder} holds no {manifest.REPORT}; it is no finished run")
    if target is None:
        stated = read_yaml(report.read_bytes())
        name = str(stated["evidence"]["bundle"]) if isinstance(stated, dict) else f"{folder.name}.tar.gz"
        target = folder.parent / PurePosixPath(name).name
    listed = [entry.path for entry in manifest.read((folder / manifest.NAME).read_bytes())]
    names = sorted({*listed, *(name for name in manifest.OUTSIDE if (folder / name).is_file())})
    with target.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        stream: Any = packed
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in names:
                _add(archive, folder / name, name)
    return target


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = path.stat().st_size
    entry.mode = 0o644
    with path.open("rb") as file:
        archive.addfile(entry, file)


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The folder of a bundle: the path itself when it is a folder, else unpacked for the time of the block.

    Raises UnsafeBundleError for links, devices, paths that lead out, names twice, too many or too large files; and
    SubmissionError for something that is no bundle at all."""
    if path.is_symlink():
        raise UnsafeBundleError(f"{path} is a symbolic link; give the file itself")
    if path.is_dir():
        inspect(path)
        yield path
        return
    if not path.is_file():
        raise SubmissionError(f"{path}: no such file or folder")
    with tempfile.TemporaryDirectory(prefix="conformance-") as place:
        try:
            with path.open("rb") as file:
                _unpack(file, Path(place))
        except (tarfile.TarError, EOFError, OSError, zlib.error, OverflowError, ValueError) as error:
            raise SubmissionError(f"{path}: not a .tar.gz bundle: {error}") from error
        yield Path(place)


def _unpack(file: BinaryIO, place: Path) -> None:
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
            target = place / name
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


def read_yaml(data: bytes) -> Any:
    """Plain data from YAML of a stranger: no tags but the standard ones, no aliases, bounded size and depth.

    Raises UnsafeBundleError for what breaks the limits, SubmissionError for what is no YAML."""
    if len(data) > MAX_YAML_BYTES:
        raise UnsafeBundleError(f"a YAML file has {len(data)} bytes, more than {MAX_YAML_BYTES}")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(io.BytesIO(data), Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise UnsafeBundleError("a YAML file has aliases; the suite writes none")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_YAML_DEPTH:
                    raise UnsafeBundleError(f"a YAML file is nested deeper than {MAX_YAML_DEPTH}")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return yaml.load(io.BytesIO(data), Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # Beside what is no YAML: a standard tag on a value that it does not fit, such as `!!bool x`.
        raise SubmissionError(f"not YAML: {' '.join(str(error).split())}") from error

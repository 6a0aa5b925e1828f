"""The load generator stands alone: it runs with nothing but what its image holds."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.load.server import serving

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "fixtures" / "load" / "Dockerfile").read_text()
IGNORED = (ROOT / "fixtures" / "load" / "Dockerfile.dockerignore").read_text().splitlines()


def copied() -> list[tuple[str, str]]:
    """(source, folder in the image) of everything of the suite's."""
    lines = re.findall(r"^COPY (conformance\S*(?: conformance\S*)*) /app/(\S+)$", DOCKERFILE, re.MULTILINE)
    return [(source, folder) for sources, folder in lines for source in sources.split()]


def packages() -> list[str]:
    """Names of the installed distributions that go into the image."""
    wanted = re.search(r"wanted = /\^\(([a-z|]+)\)==/", DOCKERFILE)
    assert wanted
    return wanted[1].split("|")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What the image has on its PYTHONPATH, in one folder."""
    folder = tmp_path / "image"
    for source, place in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, folder / place)
        else:
            (folder / place).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, folder / place)
    for name in packages():
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return folder


def python(image: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Python with the image's folder alone, without the site-packages of this environment."""
    command = [
        sys.executable,
        "-S",
        "-E",
        "-c",
        f"import sys; sys.path.insert(0, {str(image)!r})\n" + args[0],
        *args[1:],
    ]
    return subprocess.run(command, cwd=image, capture_output=True, text=True, check=False)


def test_the_image_holds_all_that_a_shard_and_the_command_line_import(image: Path) -> None:
    modules = sorted(path.stem for path in (image / "conformance" / "load").glob("*.py"))
    names = ", ".join(f"conformance.load.{name}" for name in modules if name != "__init__")
    done = python(image, f"import {names}\nprint(conformance.__file__)")
    assert done.stderr == ""
    assert done.stdout.startswith(str(image))


def test_everything_that_the_image_copies_is_in_its_build_context() -> None:
    allowed = [line.removeprefix("!") for line in IGNORED if line.startswith("!")]
    for source, _ in copied():
        assert source in allowed or f"{source}/*.py" in allowed
    assert len(allowed) == len(copied()) + 1


@pytest.mark.smoke
async def test_the_package_by_itself_imports_only_the_row_format_of_the_suite() -> None:
    async with serving() as seen:
        code = (
            "import runpy, sys, atexit\n"
            "def tell(): print(*sorted(name for name in sys.modules"
            " if name.partition('.')[0] in ('conformance', 'clusters', 'reports')), file=sys.stderr)\n"
            "atexit.register(tell)\n"
            f"sys.argv = ['load', '-n', '4', '-c', '2', 'http://127.0.0.1:{seen.port}/ok']\n"
            "runpy.run_module('conformance.load', run_name='__main__')\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
    assert process.returncode == 0
    assert "  [200]\t4 responses" in out.decode()
    loaded = [name for name in err.decode().split() if not name.startswith("conformance.load")]
    assert loaded == ["conformance", "conformance.recording", "conformance.recording.rows"]

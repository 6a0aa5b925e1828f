import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "fixtures" / "witness" / "Dockerfile").read_text(encoding="utf-8")


def copied() -> list[tuple[list[str], str]]:
    """Sources and destination of every COPY from the build context."""
    lines = [line.split()[1:] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    return [(words[:-1], words[-1]) for words in lines if not words[0].startswith("--from")]


def test_the_base_is_pinned_by_digest_and_the_user_is_nobody() -> None:
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert "USER 65532:65532" in DOCKERFILE


def test_packages_are_those_of_the_lock() -> None:
    lines = (ROOT / "fixtures" / "witness" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    wanted = [line.rstrip(" \\") for line in lines if not line.startswith("#")]
    assert set(wanted) <= {line.rstrip(" \\") for line in locked}
    assert [line for line in wanted if "==" in line] == [
        next(line for line in wanted if line.startswith("httptools=="))
    ]


def test_everything_that_is_copied_is_let_through_to_the_builder() -> None:
    ignore = (ROOT / "fixtures" / "witness" / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert ignore[0] == "*"
    for sources, _ in copied():
        for source in sources:
            path = f"{source}/x.py" if (ROOT / source).is_dir() else source
            assert any(fnmatch(path, entry[1:]) for entry in ignore[1:]), source


def test_the_copied_files_are_all_the_witness_imports(tmp_path: Path) -> None:
    for sources, destination in copied():
        if not destination.startswith("/app"):
            continue
        for source in sources:
            target = tmp_path / destination.removeprefix("/app").strip("/")
            if destination.endswith("/"):
                target = target / Path(source).name
            for path in sorted((ROOT / source).glob("*.py")) or [ROOT / source]:
                place = target / path.name if (ROOT / source).is_dir() else target
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(path.read_bytes())
    program = (
        "import sys; sys.path = [sys.argv[1], *[p for p in sys.path if 'site-packages' in p or 'lib/python' in p]]; "
    )
    program += "import conformance, clusters.witness.witness_server; print(conformance.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith(str(tmp_path))
    assert (tmp_path / "model.py").is_file()

"""Fuzzes one reader guided by coverage: `python -m tests.reliability.fuzz.guided facts --seconds 60`.

Needs atheris (`pip install atheris`, Linux and macOS), which is no dependency of the project. It begins with the kept
corpus; what it finds interesting goes to a folder of its own, and what breaks is printed with its bytes. Keep the input
that broke something as a file below `corpus/`, named after what is wrong with it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import tempfile
from typing import Any


def main() -> None:
    """Fuzz until the time is up or something breaks."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.fuzz.guided")
    parser.add_argument("reader", help="a folder of tests/reliability/fuzz/corpus")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--found", default="", help="where interesting inputs go; a temporary folder otherwise")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed; `python -m tests.reliability.fuzz` does without it")
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["conformance", "clusters", "fixtures", "reports"]):
        corpus = importlib.import_module("tests.reliability.fuzz.corpus")
    if given.reader not in corpus.READERS:
        parser.error(f"{given.reader}: not one of {', '.join(corpus.READERS)}")
    found = given.found or tempfile.mkdtemp(prefix="conformance-fuzz-")
    words = [f"-max_total_time={given.seconds}", "-timeout=20", f"-artifact_prefix={found}/broke-"]
    atheris.Setup([parser.prog, *words, found, str(corpus.CORPUS / given.reader)], corpus.READERS[given.reader])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

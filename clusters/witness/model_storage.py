"""The storage initializer's double: makes an empty model where the real one would have downloaded it.

`python -m clusters.witness.model_storage SOURCE FOLDER [SOURCE FOLDER …]`, as KServe calls the real one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path


def wanted(arguments: Sequence[str]) -> bool:
    """Whether these are a storage initializer's arguments: a URI and an absolute folder first."""
    return len(arguments) >= 2 and "://" in arguments[0] and arguments[1].startswith("/")


def fetch(source: str, folder: Path) -> tuple[Path, ...]:
    """Make the files of a TensorFlow model's first version, and say where it would have come from."""
    version = folder / "1"
    (version / "variables").mkdir(parents=True, exist_ok=True)
    model = version / "saved_model.pb"
    model.write_bytes(b"")
    note = folder / "witness.json"
    note.write_text(json.dumps({"source": source}) + "\n", encoding="utf-8")
    return model, note


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch every pair; 64 when the arguments are no pairs, 70 when a folder cannot be written."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or len(words) % 2:
        print("storage: needs pairs of a source and a folder", file=sys.stderr)
        return 64
    for source, folder in zip(words[::2], words[1::2], strict=True):
        try:
            made = fetch(source, Path(folder))
        except OSError as error:
            print(f"storage: {folder}: {error.strerror or error}", file=sys.stderr)
            return 70
        print(f"storage: {source} -> {folder} ({len(made)} files)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Text from the platform under test, made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` on one line without control, format or bidirectional characters, which could drive a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.splitlines()))

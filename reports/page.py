"""report.html: the whole run in one file that opens without a network."""

from __future__ import annotations

from html import escape

from reports.material import Material


def page(material: Material) -> bytes:
    """The file's bytes."""
    return f"<!doctype html><meta charset=utf-8><title>{escape(material.run.id)}</title>".encode()

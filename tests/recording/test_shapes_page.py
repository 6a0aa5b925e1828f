"""The page of shapes is what the types say, and the types say what each kind of fact holds."""

from __future__ import annotations

from conformance.recording import shapes_page
from conformance.recording.facts import BODIES, FactKind


def test_the_page_is_as_the_types_say() -> None:
    assert shapes_page.PAGE.read_text(encoding="utf-8") == shapes_page.page(), (
        "docs/recording.md is stale: run `python -m conformance.recording.shapes_page`"
    )


def test_every_kind_has_a_shape() -> None:
    assert list(BODIES) == list(FactKind)


def test_units_and_meanings_come_from_the_types() -> None:
    text = shapes_page.shapes()
    assert "| `created_wall` | number or null | Unix s | By the API server's clock, cut to whole seconds. |" in text
    assert "| `from` | number | s from the origin |" in text
    assert "| `[2] since` | number or null | Unix s | When it last changed. |" in text

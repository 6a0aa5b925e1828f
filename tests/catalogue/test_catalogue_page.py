"""The page about the catalogue is the catalogue."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import cast

import pytest

from conformance.catalogue.check_parameters import When
from conformance.judge.catalogue_page import field_texts, page
from conformance.judge.checks import REGISTRY
from conformance.judge.finding import Check

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_link_inside_the_page_leads_to_a_heading() -> None:
    text = page()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\(#([^)]*)\)", text)) <= anchors


def test_every_file_that_the_page_links_is_there() -> None:
    links = re.findall(r"\]\((?!#)([^)#]*)(?:#[^)]*)?\)", page())
    assert links
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []


@pytest.mark.parametrize("check", REGISTRY.checks.values(), ids=lambda check: check.name)
def test_every_parameter_says_what_it_means(check: Check) -> None:
    texts = field_texts(cast(type, check.parameters))
    assert [each.name for each in fields(check.parameters) if not texts.get(each.name)] == []


def test_every_condition_says_what_it_means() -> None:
    assert set(field_texts(When)) == {each.name for each in fields(When)}

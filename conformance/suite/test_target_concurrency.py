"""Target concurrency: pods follow the requests in flight."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conformance.judge.judgement import Judgement
from conformance.plugin import state
from conformance.requirement import Requirement

pytestmark = [pytest.mark.section("Scaling on target concurrency"), pytest.mark.asyncio(loop_scope="session")]


async def test_requirement(requirement: Requirement, judged: Mapping[str, Judgement]) -> None:
    state(judged[requirement.id])

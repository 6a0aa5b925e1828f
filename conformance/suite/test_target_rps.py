"""Target QPS: pods follow the request rate, in both readings of the page."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conformance.judge.judgement import Judgement
from conformance.plugin import state
from conformance.requirement import Requirement

pytestmark = [pytest.mark.section("Scaling on target queries per second"), pytest.mark.asyncio(loop_scope="session")]


async def test_requirement(requirement: Requirement, judged: Mapping[str, Judgement]) -> None:
    state(judged[requirement.id])

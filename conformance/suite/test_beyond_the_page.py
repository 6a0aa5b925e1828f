"""What users rely on and the page does not say: bounds, rollouts, scale-down, integrity."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conformance.judge.judgement import Judgement
from conformance.plugin import REST, state
from conformance.requirement import Requirement

pytestmark = [pytest.mark.section(REST), pytest.mark.asyncio(loop_scope="session")]


async def test_requirement(requirement: Requirement, judged: Mapping[str, Judgement]) -> None:
    state(judged[requirement.id])

"""GPU: as many pods run as there are devices, the rest wait."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conformance.judge.judgement import Judgement
from conformance.plugin import state
from conformance.requirement import Requirement

pytestmark = [pytest.mark.section("Scaling on GPU"), pytest.mark.asyncio(loop_scope="session")]


async def test_requirement(requirement: Requirement, judged: Mapping[str, Judgement]) -> None:
    state(judged[requirement.id])

"""containerConcurrency: a hard limit per replica, and surplus that waits."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conformance.judge.judgement import Judgement
from conformance.plugin import state
from conformance.requirement import Requirement

pytestmark = [pytest.mark.section("Concurrency limit per replica"), pytest.mark.asyncio(loop_scope="session")]


async def test_requirement(requirement: Requirement, judged: Mapping[str, Judgement]) -> None:
    state(judged[requirement.id])

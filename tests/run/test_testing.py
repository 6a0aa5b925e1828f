"""The fixture `conformance` in somebody else's project."""

from __future__ import annotations

from pathlib import Path

import pytest

# Whatever an inner session imports first is taken out of sys.modules at its end, which numpy does not survive.
import conformance.testing  # noqa: F401
import reports.page  # noqa: F401
from conformance.base.errors import UsageError
from conformance.load.load_plan import LoadShape
from conformance.settings.settings import Settings
from conformance.testing import Service, burst, closed, constant, idle, poisson, ramp, sequence
from tests.cli.own_services import IRIS, written

TESTS = """
    import pytest
    from conformance.testing import closed

    async def test_checkout(conformance):
        run = await conformance.run("service.yaml", closed(workers=4, seconds=12))
        assert run.pods.inside_band() and run.load.p99 < 2.0
        assert run.pods.peak == run.pods.of("predictor").peak == 3
        assert run.load.errors == 0 and run.load.requests > 100
        assert run.failures == ()
        assert (run.folder / "report.html").is_file()

    async def test_a_limit_that_does_not_hold(conformance):
        run = await conformance.run("service.yaml", closed(workers=1, seconds=3))
        assert run.load.p50 < 0.05
"""


def test_a_test_of_ones_own_runs_in_an_empty_project(pytester: pytest.Pytester) -> None:
    written(pytester.path, IRIS)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("--assert=plain", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    assert "async def functions are not natively supported" not in result.stdout.str()
    assert not (pytester.path / "reports").exists()


async def test_what_the_caller_can_correct_says_so(tmp_path: Path) -> None:
    service = Service(Settings(clock="virtual", reports=str(tmp_path / "runs")))
    with pytest.raises(UsageError, match=r"^give a manifest, or service="):
        await service.run()
    with pytest.raises(UsageError, match="No such file"):
        await service.run(tmp_path / "nowhere.yaml")
    with pytest.raises(UsageError, match=r"^PAYLOAD: /v1/models/iris:predict answers 400"):
        await service.run(written(tmp_path, IRIS), closed(workers=1, seconds=2), payload=b"{}")


def test_loads_are_phases() -> None:
    plan = sequence(
        closed(workers=2, seconds=3),
        idle(seconds=4),
        constant(rate=5, seconds=6),
        poisson(rate=5, seconds=6),
        ramp(rate=1, rate_end=9, seconds=8),
        burst(count=10),
    )
    assert [phase.shape for phase in plan.phases] == [
        LoadShape.CLOSED, LoadShape.IDLE, LoadShape.CONSTANT, LoadShape.POISSON, LoadShape.RAMP, LoadShape.BURST,
    ]  # fmt: skip
    assert plan.seconds == 27

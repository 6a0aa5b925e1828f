"""The suite as a pytest plugin (entry point `pytest11`): the catalogue's requirements are tests.

    pytest --conformance                                              every requirement of the usual profiles
    pytest --conformance -k scale-to-zero --conformance-cluster kind
    pytest conformance/catalogue/requirements/PAN.yaml::PAN-002       a node id as pytest shows it

It sleeps until `--conformance` is given or a file of the catalogue is named. Nothing of the suite is imported before,
since the plugin is loaded wherever the suite is installed.
"""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from conformance.base.errors import ConformanceError
    from conformance.run.pipeline import RunOutcome
    from conformance.run.requirement_items import CatalogueFile
    from conformance.testing import Service

REQUIREMENTS: Final = Path(__file__).parent / "catalogue" / "requirements"

MARKERS: Final = (
    "profile(name): the profile that a requirement belongs to",
    "level(name): MUST, SHOULD or MAY",
    "area(name): the first part of a requirement's id",
    "scenario(name): the scenario whose recording a requirement is judged by",
)


class Hooks:
    """What others may want to know of a run."""

    @pytest.hookspec()
    def pytest_conformance_finished(self, outcome: RunOutcome) -> None:
        """A run was recorded, judged and reported."""

    @pytest.hookspec()
    def pytest_conformance_refused(self, error: ConformanceError) -> None:
        """A run could not be started or not be brought to its end."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    from conformance.settings.option_names import OPTIONS

    group = parser.getgroup("conformance", "conformance of InferenceService autoscaling")
    group.addoption("--conformance", action="store_true", help="Collect the requirements of the catalogue.")
    group.addoption("--conformance-verbose", action="store_true", help="Show what the harness does.")
    group.addoption("--conformance-dashboard", action="store_true", help="Serve a live page on loopback meanwhile.")
    for option in OPTIONS:
        if option.flag:
            group.addoption(f"--conformance-{option.name}", action="store_true", help=option.help)
            continue
        group.addoption(
            f"--conformance-{option.name}",
            action="append" if option.multiple else "store",
            default=[] if option.multiple else None,
            metavar=option.metavar,
            help=option.help,
        )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    # This package brings pytest-asyncio, which would ask whoever has no use for it to configure it.
    warnings.filterwarnings("ignore", "The configuration option .asyncio_default_fixture_loop_scope. is unset")
    if config.getoption("--conformance") and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(REQUIREMENTS)]


def _active(config: pytest.Config) -> bool:
    """Whether this session is about the catalogue."""
    named = (Path(argument.partition("::")[0]) for argument in config.args)
    start = config.invocation_params.dir
    return bool(config.getoption("--conformance")) or any(
        (start / path).resolve() == REQUIREMENTS or (start / path).resolve().parent == REQUIREMENTS for path in named
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Make the plan; what the user can correct, or has to install, is said before anything is collected."""
    config = session.config
    if not _active(config):
        return
    from conformance.base.errors import ConformanceError, UsageError
    from conformance.run.plan import make_plan
    from conformance.run.requirement_items import PLAN
    from conformance.settings.option_names import OPTIONS
    from conformance.settings.options import settings_from
    from conformance.settings.providers import check_fault, check_prerequisites

    if hasattr(config, "workerinput") or config.getoption("numprocesses", None):
        raise pytest.UsageError("the catalogue is recorded by one process; leave out -n (scenarios run side by side)")
    given = {option.key: config.getoption(f"--conformance-{option.name}") for option in OPTIONS}
    try:
        config.stash[PLAN] = plan = make_plan(settings_from(given))
        if plan.own and config.args == [str(REQUIREMENTS)]:
            config.args.append(str((plan.own / "requirements").resolve()))
        if not (config.option.collectonly or config.option.setupplan):
            check_fault(plan.settings.cluster, plan.settings.fault)
            check_prerequisites(plan.settings)
    except UsageError as error:
        config.hook.pytest_conformance_refused(error=error)
        raise pytest.UsageError(str(error)) from error
    except ConformanceError as error:
        config.hook.pytest_conformance_refused(error=error)
        pytest.exit(str(error), returncode=int(error.exit_code))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CatalogueFile | None:
    if file_path.suffix != ".yaml" or not _active(parent.config):
        return None
    from conformance.run.requirement_items import CatalogueFile, holds_requirements, node_id

    if not holds_requirements(file_path, parent.config):
        return None

    found: CatalogueFile = CatalogueFile.from_parent(
        parent, path=file_path, nodeid=node_id(file_path, parent.config.rootpath)
    )
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    """Run the scenarios that the selected items need, then let each state its verdict."""
    option = session.config.option
    stopped = session.testsfailed and not option.continue_on_collection_errors
    if not (option.collectonly or option.setupplan or stopped):
        _run(session)
    return (yield)


def _run(session: pytest.Session) -> None:
    config = session.config
    if not _active(config):
        return
    from conformance.base.errors import ConformanceError, UsageError
    from conformance.run.pipeline import execute
    from conformance.run.progress import Progress
    from conformance.run.requirement_items import OUTCOME, PLAN, RequirementItem

    chosen = {item.name for item in session.items if isinstance(item, RequirementItem)}
    if not chosen:
        return
    live = _dashboard(config)
    progress = Progress(sinks=[live.tell] if live else [])
    try:
        with live or nullcontext(), progress:
            if live:
                progress.line(f"dashboard {live.url}")
            plan = config.stash[PLAN].narrowed(chosen)
            outcome = execute(plan, progress, verbose=bool(config.getoption("--conformance-verbose")))
    except UsageError as error:
        config.hook.pytest_conformance_refused(error=error)
        raise pytest.UsageError(str(error)) from error
    except ConformanceError as error:
        config.hook.pytest_conformance_refused(error=error)
        pytest.exit(str(error), returncode=int(error.exit_code))
    config.stash[OUTCOME] = outcome
    config.hook.pytest_conformance_finished(outcome=outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where the run's folder is, which pytest's own lines do not say."""
    from conformance.run.requirement_items import OUTCOME

    outcome = terminalreporter.config.stash.get(OUTCOME, None) if _active(terminalreporter.config) else None
    if outcome is not None:
        terminalreporter.write_sep("-", "conformance")
        terminalreporter.write_line(
            f"report  {outcome.folder / 'report.html'}\nlog     {outcome.folder / 'harness.log'}"
        )


def _dashboard(config: pytest.Config) -> Any:
    from conformance.base.errors import UsageError
    from conformance.run.requirement_items import PLAN

    if not config.getoption("--conformance-dashboard"):
        return None
    if config.stash[PLAN].settings.clock == "virtual":
        error = UsageError("--dashboard shows real time; a simulated run is over before it can be looked at")
        config.hook.pytest_conformance_refused(error=error)
        raise pytest.UsageError(str(error))
    from conformance.base.live_page import LivePage

    return LivePage()


@pytest.fixture(name="conformance")
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Service:
    """Runs services of one's own: `run = await conformance.run("checkout.yaml", closed(workers=6, seconds=40))`. On the
    embedded platform in virtual time, unless the options of conformance say otherwise."""
    from conformance.settings.option_names import OPTIONS
    from conformance.settings.options import settings_from
    from conformance.testing import Service

    given = {option.key: request.config.getoption(f"--conformance-{option.name}") for option in OPTIONS}
    if given["cluster"] in (None, "embedded") and given["clock"] is None:
        given["clock"] = "virtual"
    given["reports"] = given["reports"] or str(tmp_path / "conformance")
    return Service(settings_from(given))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An async test with our fixture runs also where nothing is there that runs async tests."""
    if "conformance" not in pyfuncitem.fixturenames or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A requirement took as long as its scenario, which was over before its item was called."""
    report = yield
    seconds = getattr(item, "seconds", None)
    if call.when == "call" and isinstance(seconds, float) and _active(item.config):
        report.duration = seconds
    return report

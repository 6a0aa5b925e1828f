"""The command line: wrong words get one line that says what to do, and exit 64."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conformance.base import plugins
from conformance.base.errors import Exit, HarnessError, PlatformError, UsageError
from conformance.cli.entry import HELP, OWN, invoke

LARGE = ("kubernetes", "numpy", "pytest", "httpx", "starlette", "clusters", "reports")
"""Packages that cost a tenth of a second and more to import."""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["runn"], "error: no command 'runn'; did you mean 'run'?\n"),
        (["run", "--clustre", "kind"], "error: no option --clustre; did you mean '--cluster'?\n"),
        (["run", "--cluster", "knid"], "did you mean 'kind'?"),
        (["run", "--only", "target-concurency"], "error: nothing is called 'target-concurency'; did you mean"),
        (["run", "--fault", "panic-nevr-entered"], "did you mean 'panic-never-entered'?"),
        (["run", "--config", "/nonexistent.yaml"], "/nonexistent.yaml"),
        (["run", "gpu"], "'gpu' would go to pytest, which finds no such file; to choose what runs: --only gpu"),
        (
            ["run", "--profile", "gpu-real"],
            "needs real accelerators; the embedded platform has gpu-emulated",
        ),
        (
            ["plan", "--cluster", "existing", "--only", "gpu"],
            "of serving-core, autoscaling-kpa is selected; what is named is of profile gpu-emulated or gpu-real",
        ),
        (["plan", "--only", "limit-buffered zzzz"], "nothing is called 'zzzz'; known: BND, BND-001, "),
    ],
)
def test_a_wrong_word_is_answered_in_one_line(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(arguments) == Exit.USAGE
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def test_no_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([]) == Exit.USAGE
    shown = capsys.readouterr().out
    assert [name for name in HELP if f"  {name} " not in shown] == []


def test_every_command_can_be_loaded_and_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in HELP:
        assert invoke([name, "--help"]) == Exit.SUCCESS, name
        assert "Usage: conformance" in capsys.readouterr().out


def test_errors_map_to_their_exit_codes() -> None:
    assert (UsageError.exit_code, PlatformError.exit_code, HarnessError.exit_code) == (64, 69, 70)


def test_help_imports_none_of_the_large_packages() -> None:
    code = (
        "import sys\nfrom conformance.cli.entry import invoke\nassert invoke(['--help']) == 0\n"
        f"print([name for name in {LARGE!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "Usage: conformance" in done.stdout
    assert (done.stderr.strip(), done.returncode) == ("[]", 0)


def test_every_command_is_either_beside_the_entry_or_registered() -> None:
    assert OWN | set(plugins.names(plugins.COMMANDS)) == set(HELP)
    assert not OWN & set(plugins.names(plugins.COMMANDS))

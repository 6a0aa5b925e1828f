"""What is found by name in the metadata of installed distributions, and what is said when it is not there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from conformance.base import plugins
from conformance.base.errors import Exit, UsageError
from conformance.cli.entry import HELP, invoke

GROUP = plugins.COMMANDS


def install(place: Path, distribution: str, entries: str, group: str = GROUP) -> None:
    """A distribution's metadata, as an installer leaves it beside the code."""
    folder = place / f"{distribution.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[{group}]\n{entries}\n")


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path with a vendor's module in it."""
    (tmp_path / "acme_suite.py").write_text(
        "import click\n\n@click.command()\ndef hello():\n    click.echo('hello from acme')\n\nNUMBER = 7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_suites_own_parts_are_registered() -> None:
    assert {"verify", "compare", "export", "audit", "faults", "golden", "platform"} <= set(plugins.names(GROUP))
    assert plugins.names(plugins.REPORTERS) == ("default",)
    assert isinstance(plugins.load(GROUP, "verify"), click.Command)


def test_a_vendors_command_is_listed_and_run(vendor: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(vendor, "acme-suite", "hello = acme_suite:hello")
    assert invoke(["--help"]) == Exit.SUCCESS
    assert re.search(r"hello +from acme-suite\n", capsys.readouterr().out)
    assert invoke(["hello"]) == Exit.SUCCESS
    assert capsys.readouterr().out == "hello from acme\n"


def test_what_is_not_a_command_is_said_to_be_none(vendor: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(vendor, "acme-suite", "seven = acme_suite:NUMBER")
    assert invoke(["seven"]) == Exit.USAGE
    assert capsys.readouterr().err == f"error: {GROUP}: seven is no click.Command but int\n"


def test_a_name_that_nobody_registered_is_answered_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=rf"^{GROUP}: no 'verifi' is installed; did you mean 'verify'\?; .*`make "):
        plugins.load(GROUP, "verifi")
    with pytest.raises(UsageError, match=r"^acme\.nothing: no 'x' is installed; nothing is registered in it; "):
        plugins.load("acme.nothing", "x")


@pytest.mark.parametrize("target", ["acme_suite:gone", "acme_gone:hello"])
def test_a_target_that_is_not_there_is_named(vendor: Path, target: str) -> None:
    install(vendor, "acme-suite", f"hello = {target}")
    with pytest.raises(UsageError, match=rf"hello is {target}, which cannot be imported \(.*`make "):
        plugins.load(GROUP, "hello")


def test_two_who_register_one_name_are_both_named(vendor: Path) -> None:
    install(vendor, "acme-suite", "hello = acme_suite:hello")
    install(vendor, "other-suite", "hello = other_suite:hello")
    assert plugins.provided_by(GROUP, "hello") == "acme-suite, other-suite"
    with pytest.raises(UsageError, match="registered twice, as acme_suite:hello and other_suite:hello"):
        plugins.load(GROUP, "hello")


def test_the_help_of_every_command_is_known_without_importing_it() -> None:
    assert set(plugins.names(GROUP)) <= HELP.keys()

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from conformance.base.errors import UsageError
from conformance.cli.settings_options import settings_of, settings_options
from conformance.settings.settings import Settings

Parse = Callable[..., Settings]


@pytest.fixture
def parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parse:
    monkeypatch.chdir(tmp_path)

    @click.command()
    @settings_options
    def command(**options: Any) -> Settings:
        return settings_of(options)

    return lambda *words: command.main(list(words), standalone_mode=False)


def test_lists_may_be_repeated_or_separated_by_commas(parsed: Parse) -> None:
    assert parsed("--only", "a,b", "--only", "c", "--profile", "serving-core").only == ("a", "b", "c")


def test_any_setting_is_within_reach(parsed: Parse) -> None:
    settings = parsed("--set", "timeouts.readiness_timeout_seconds=240", "--set", "ingress.verify=false")
    assert settings.timeouts.readiness_timeout_seconds == 240
    assert settings.ingress.verify is False


def test_headers_keep_what_follows_the_first_equals_sign(parsed: Parse) -> None:
    (header,) = parsed("--header", "Authorization=Basic YTpi==").ingress.headers
    assert (header[0], header[1].reveal()) == ("Authorization", "Basic YTpi==")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "a"), "--set a: NAME=VALUE is wanted"),
        (("--set", "ingress.adress=x"), r"unknown setting 'ingress\.adress'; did you mean 'ingress\.address'\?"),
        (("--cluster", "kindd"), r"did you mean 'kind'\?"),
        (("--seed", "x"), "a whole number is wanted"),
        (("--config", "none.yaml"), r"settings none\.yaml: No such file"),
    ],
)
def test_a_wrong_option_is_told_by_name(parsed: Parse, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parsed(*words)


def test_a_refused_header_is_not_shown(parsed: Parse) -> None:
    with pytest.raises(UsageError) as caught:
        parsed("--header", "the-secret-itself")
    assert str(caught.value) == "--header: NAME=VALUE is wanted"

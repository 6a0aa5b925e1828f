import copy
import json
import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from conformance.base.errors import UsageError
from conformance.settings.public_arguments import public
from conformance.settings.secret import Secret
from conformance.settings.settings import EMBEDDED_BUDGETS, NO_REASON, Settings, load
from conformance.settings.sources import LEAVES, SCHEMA, variable


def written(folder: Path, text: str) -> Path:
    path = folder / "conformance.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_source_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == replace(Settings(), budgets=EMBEDDED_BUDGETS)
    assert load(flags={"cluster": "kind"}) == Settings(cluster="kind")


def test_a_flag_wins_over_the_environment_and_this_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "seed: 1\nbudgets: {pods: 10, load_rps: 20}\nreports: from-file\n")
    environ = {"CONFORMANCE_SEED": "2", "CONFORMANCE_BUDGETS_PODS": "11", "PATH": "/bin"}
    settings = load(path, environ, {"seed": 3, "gpu": None, "only": ()})
    assert (settings.seed, settings.budgets.pods, settings.budgets.load_rps) == (3, 11, 20)
    assert settings.reports == "from-file"


def test_the_file_in_the_working_folder_is_taken_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "cluster: existing\n")
    monkeypatch.chdir(tmp_path)
    assert load().cluster == "existing"


def test_every_leaf_of_the_schema_is_a_field_and_every_field_is_in_the_schema() -> None:
    def names(cls: type[Any], prefix: str = "") -> Iterator[str]:
        for entry in fields(cls):
            default = getattr(Settings(), entry.name) if prefix == "" else None
            if prefix == "" and entry.name != "implementation" and is_dataclass(default):
                yield from names(type(default), f"{entry.name}.")
            else:
                yield prefix + entry.name

    found = {name for name in names(Settings) if name != "implementation"}
    assert found == {name for name in LEAVES if not name.startswith("implementation.")}


def test_every_setting_has_a_variable_of_its_own() -> None:
    assert len({variable(name) for name in LEAVES}) == len(LEAVES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clutser: kind", r"unknown key 'clutser'; did you mean 'cluster'\?"),
        ("ingress: {adress: 'a:1'}", r"ingress: unknown key 'adress'; did you mean 'address'\?"),
        ("timeouts: {readiness_timeout: 5}", r"did you mean 'readiness_timeout_seconds'\?"),
        ("cluster: kindd", r"setting cluster 'kindd'; did you mean 'kind'\?"),
        ("seed: -1", r"setting seed: -1 is less than the minimum of 0"),
        ("budgets: {pods: many}", r"setting budgets\.pods: "),
        ("[1, 2]", "a mapping of settings is wanted, not list"),
        ("a: [", "not YAML"),
        ("reasons: {readines_timeout_seconds: 'a slow registry'}", "unknown setting 'readines_timeout_seconds'"),
        ("implementation: {organization: a}", '"project" is a required property'),
        ("{cluster: kind, clock: virtual}", "clock virtual needs cluster embedded, not kind"),
        ("{cluster: existing, fault: x}", "fault x needs cluster embedded, not existing"),
        ("model: real", "model real needs a cluster that runs containers"),
        ("gpu: real", "gpu real needs cluster kind or existing"),
        ("load: in-cluster", "load in-cluster needs a cluster that runs containers"),
        ("load: on-cluster", "setting load 'on-cluster'; did you mean 'in-cluster'"),
        ("{cluster: existing, load: in-cluster}", r"load in-cluster needs shards\.image: Image of fixtures/load"),
        ("{cluster: existing, load: in-cluster, shards: {image: a}}", r"shards\.address: host:port of the ingress"),
        ("{cluster: existing, shards: {count: 4}}", "shards are pods of load in-cluster; set load to in-cluster"),
        ("{cluster: existing, load: in-cluster, shards: {count: 0}}", r"shards\.count: 0 is less than the minimum"),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_mend(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(written(tmp_path, text))


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"CONFORMANCE_CLUSTR": "kind"}, r"unknown variable CONFORMANCE_CLUSTR; did you mean 'CONFORMANCE_CLUSTER'\?"),
        ({"CONFORMANCE_SEED": "one"}, "environment CONFORMANCE_SEED: seed 'one': a whole number is wanted"),
        ({"CONFORMANCE_INGRESS_VERIFY": "maybe"}, "true or false is wanted"),
        ({"CONFORMANCE_BUDGETS_LOAD_RPS": "x"}, "a number is wanted"),
        ({"CONFORMANCE_PLACEMENT_NODE_SELECTOR": "gpu"}, "NAME=VALUE pairs"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(environ: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(None, environ)


def test_an_unknown_flag_is_refused_with_the_nearest_setting() -> None:
    with pytest.raises(UsageError, match=r"unknown setting 'ingress\.adress'; did you mean 'ingress\.address'\?"):
        load(None, {}, {"ingress.adress": "a:1"})


def test_texts_become_the_types_the_schema_names() -> None:
    environ = {
        "CONFORMANCE_ONLY": "CON, PAN-001",
        "CONFORMANCE_PLACEMENT_NODE_SELECTOR": "pool=gpu,zone=a",
        "CONFORMANCE_PLACEMENT_TOLERATIONS": '[{"key": "gpu", "operator": "Exists"}]',
        "CONFORMANCE_INGRESS_VERIFY": "no",
        "CONFORMANCE_BUDGETS_GPUS": "",
    }
    settings = load(None, environ)
    assert settings.only == ("CON", "PAN-001")
    assert settings.placement.node_selector == {"pool": "gpu", "zone": "a"}
    assert settings.placement.tolerations == ({"key": "gpu", "operator": "Exists"},)
    assert settings.ingress.verify is False
    assert settings.budgets.gpus is None


def test_a_section_whose_keys_are_commented_out_is_as_if_absent(tmp_path: Path) -> None:
    assert load(written(tmp_path, "ingress:\n#  address: x\nseed: 4\n")) == load(None, {}, {"seed": 4})


def test_what_deviates_from_its_default_is_listed_with_limit_and_reason(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "timeouts: {readiness_timeout_seconds: 240, deletion_timeout_seconds: 20}\n"
        "reasons: {readiness_timeout_seconds: images come over a slow link}\n",
    )
    (deviation,) = load(path).deviations()
    assert (deviation.name, deviation.default, deviation.used, deviation.limit) == (
        "readiness_timeout_seconds",
        120.0,
        240,
        600,
    )
    assert deviation.reason == "images come over a slow link"
    bare = load(None, {"CONFORMANCE_TIMEOUTS_READINESS_TIMEOUT_SECONDS": "240"}).deviations()
    assert bare[0].reason == NO_REASON


def test_headers_are_nowhere_but_where_they_are_sent(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-the-file\n", encoding="utf-8")
    path = written(
        tmp_path,
        "ingress:\n  address: 192.0.2.7:80\n  headers:\n    X-Plain: plain-secret\n"
        "    Authorization: {env: TOKEN, prefix: 'Bearer '}\n"
        f"    X-File: {{file: {tmp_path / 'token'}}}\n",
    )
    settings = load(path, {"TOKEN": "from-the-environment"})
    sent = {name: value.reveal() for name, value in settings.ingress.headers}
    assert sent == {
        "X-Plain": "plain-secret",
        "Authorization": "Bearer from-the-environment",
        "X-File": "from-the-file",
    }
    shown = repr(settings) + str(settings) + json.dumps(settings.body())
    for value in ("plain-secret", "from-the-environment", "from-the-file"):
        assert value not in shown
    assert "192.0.2.7" not in json.dumps(settings.body())


def test_a_missing_token_is_named_not_guessed(tmp_path: Path) -> None:
    path = written(tmp_path, "ingress: {headers: {Authorization: {env: TOKEN}}}\n")
    with pytest.raises(UsageError, match="environment variable TOKEN is not set"):
        load(path, {})


def test_a_refused_header_is_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        load(None, {"CONFORMANCE_INGRESS_HEADERS": "the-secret-itself"})
    assert "the-secret-itself" not in str(caught.value)


def test_a_secret_shows_nothing_and_is_not_pickled() -> None:
    secret = Secret("s3cret")
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r}"} == {"<hidden>"}
    assert copy.deepcopy(secret).reveal() == "s3cret"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def test_a_stored_command_line_hides_values_that_name_a_site() -> None:
    given = ["run", "--header", "A=b", "--set=ingress.headers=A=b", "--ingress", "h:1", "--only", "CON", "--context=c"]
    hidden = ("run", "--header", "A=<hidden>", "--set=ingress.headers=<hidden>", "--ingress", "<hidden>")
    assert public(given) == (*hidden, "--only", "CON", "--context=<hidden>")


def test_a_stored_command_line_keeps_what_repeats_a_run() -> None:
    given = ["run", "--set", "budgets.scenarios=3", "--set=install.keep=always", "--conformance-set", "budgets.pods=8"]
    assert public(given) == tuple(given)


@pytest.mark.parametrize("name", ["ingress.address", "install.images", "ingress.headers", "ingress.heders"])
def test_a_stored_command_line_hides_settings_that_are_kept_from_reports(name: str) -> None:
    for option in ("--set", "--conformance-set"):
        assert public([option, f"{name}=a=b"]) == (option, f"{name}=<hidden>")


@pytest.mark.parametrize("option", ["config", "reports", "scenarios", "kubeconfig", "context", "ingress"])
def test_a_stored_command_line_holds_no_path_or_address(option: str) -> None:
    for prefix in ("--", "--conformance-"):
        assert public([prefix + option, "/home/me/x"]) == (prefix + option, "<hidden>")


def test_the_body_holds_every_setting() -> None:
    body = Settings().body()
    assert set(body) == set(SCHEMA["properties"])
    assert json.loads(json.dumps(body)) == body

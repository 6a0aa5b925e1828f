"""Settings of the embedded platform's real parts."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from clusters.embedded.api import bootstrap
from clusters.embedded.api.store import Store
from clusters.embedded.install import custom_kinds
from clusters.embedded.install.contents import MOST_PROCESSES, fill
from clusters.embedded.install.platform_options import PlatformOptions
from conformance.base.clock import RealClock
from conformance.base.errors import Exit, UsageError
from conformance.cli.entry import invoke
from conformance.kube.resources import NODES
from conformance.settings.settings import EMBEDDED_BUDGETS, PROCESS_BUDGETS, load

ROOT = Path(__file__).parents[2]
ENVOY = {"embedded.ingress": "envoy"}
KSERVE = {"embedded.model_server": "kserve"}


@pytest.mark.parametrize("flags", [ENVOY, KSERVE])
@pytest.mark.parametrize("elsewhere", [{"clock": "virtual"}, {"cluster": "kind"}])
def test_real_parts_are_refused_where_they_cannot_be(flags: dict[str, str], elsewhere: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"^embedded: these settings need cluster embedded and clock real"):
        load(flags={**flags, **elsewhere})


def test_pods_that_are_processes_take_a_smaller_budget_unless_one_is_given() -> None:
    assert load(flags=KSERVE).budgets == PROCESS_BUDGETS
    assert load(flags=ENVOY).budgets == EMBEDDED_BUDGETS
    assert load(flags={**KSERVE, "budgets.pods": "12"}).budgets.pods == 12


def test_a_part_that_nobody_knows_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'envoy'"):
        load(flags={"embedded.ingress": "envoi"})


def test_paths_of_programs_stay_out_of_what_is_stored() -> None:
    body = load(flags={"embedded.kserve_python": "/home/jane/sdk/bin/python"}).body()
    assert "jane" not in str(body)


@pytest.mark.parametrize(
    ("options", "pods"),
    [
        (PlatformOptions(nodes=2), [110, 110]),
        (PlatformOptions(nodes=2, max_pods=5), [3, 2]),
        (PlatformOptions(nodes=2, model_server="kserve"), [MOST_PROCESSES // 2] * 2),
        (PlatformOptions(nodes=2, model_server="kserve", max_pods=5), [3, 2]),
    ],
)
def test_nodes_take_as_many_pods_as_they_are_told(options: PlatformOptions, pods: list[int]) -> None:
    store = Store(RealClock(), random.Random(1))
    bootstrap.install(store, custom_kinds.definitions())
    fill(store, options)
    nodes = store.objects(store.kinds.of(NODES).storage)
    assert [int(node["status"]["allocatable"]["pods"]) for node in nodes.values()] == pods


@pytest.mark.parametrize(
    ("flag", "setting"), [("--envoy-program", "embedded.envoy_program"), ("--kserve-python", "embedded.kserve_python")]
)
def test_the_command_says_which_program_is_missing(
    flag: str, setting: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    arguments = ["platform", "--ingress", "envoy"] if "envoy" in flag else ["platform", "--model-server", "kserve"]
    assert invoke([*arguments, flag, "/nowhere/program"]) == Exit.USAGE
    assert capsys.readouterr().err == f"error: setting {setting}: /nowhere/program is not an executable program\n"


def test_make_hands_the_parts_on() -> None:
    words = ["make", "--dry-run", "--always-make", "conformance", "INGRESS=envoy", "MODEL_SERVER=kserve"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "--set embedded.ingress=envoy --set embedded.model_server=kserve" in told

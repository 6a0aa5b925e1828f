"""What can be asked for, and what is said where a part is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clusters.embedded.faults import behaviour_of, faults
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.programs import envoy, model_server
from clusters.embedded.programs.installed_programs import InstalledPrograms, Program, check_programs, find_programs
from conformance.base.errors import UsageError

ENVOY = PlatformOptions(ingress="envoy")
KSERVE = PlatformOptions(model_server="kserve")
IN_THE_INGRESS = {"bad-gateway-at-scale-down", "old-revision-keeps-requests", "traffic-moves-late", "uneven-balancing"}


def program(folder: Path, says: str, code: int = 0) -> str:
    """A program that says one thing, whatever it is asked."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\nprint({says!r})\nraise SystemExit({code})\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("options", [ENVOY, KSERVE])
def test_real_parts_need_real_time(options: PlatformOptions) -> None:
    with pytest.raises(UsageError, match="needs clock real"):
        check_programs(options, None, behaviour_of(None), real=False)
    check_programs(options, None, behaviour_of(None), real=True)


def test_without_them_either_time_will_do() -> None:
    check_programs(PlatformOptions(), "uneven-balancing", behaviour_of("uneven-balancing"), real=False)


@pytest.mark.parametrize("name", sorted(faults()))
def test_a_fault_whose_place_envoy_takes_is_refused_and_every_other_stays(name: str) -> None:
    if name in IN_THE_INGRESS:
        with pytest.raises(UsageError, match=f"^fault {name} is in the ingress, which Envoy replaces"):
            check_programs(ENVOY, name, behaviour_of(name), real=True)
    else:
        check_programs(ENVOY, name, behaviour_of(name), real=True)
    check_programs(KSERVE, name, behaviour_of(name), real=True)


def test_envoy_elsewhere_than_on_linux_is_refused_whatever_is_installed() -> None:
    with pytest.raises(UsageError, match=r"^ingress envoy needs Linux, this is "):
        envoy.find("/bin/sh", system="darwin")


def test_a_missing_envoy_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"^ingress envoy: Envoy is not installed; install it with `make envoy`"):
        envoy.find(None, folders=[tmp_path], system="linux")


def test_a_missing_sdk_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^model server kserve: .* not installed; install it with `make kserve`"):
        model_server.find(None, folder=tmp_path)


def test_a_named_program_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(UsageError, match=f"^setting embedded.envoy_program: {missing} is not an executable program"):
        envoy.find(missing, system="linux")
    with pytest.raises(UsageError, match=f"^setting embedded.kserve_python: {missing} is not an executable program"):
        model_server.find(missing)


async def test_a_named_envoy_is_asked_for_its_version(tmp_path: Path) -> None:
    path = program(tmp_path, "program  version: 9e5580933739/1.40.0/Clean/RELEASE/BoringSSL")
    assert await envoy.version(envoy.find(path, system="linux")) == "1.40.0"


async def test_a_program_that_is_no_envoy_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path, "version 1.2.3 of something else")
    with pytest.raises(UsageError, match=r"--version does not name Envoy: version 1\.2\.3 of something else"):
        await envoy.version(path)


async def test_a_python_without_the_sdk_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path, "No package metadata was found for kserve", code=1)
    with pytest.raises(UsageError, match="has no KServe SDK: No package metadata"):
        await model_server.version(path)


async def test_nothing_is_looked_for_that_nobody_asked_for() -> None:
    assert (
        await find_programs(PlatformOptions(envoy_program="/nowhere", kserve_python="/nowhere")) == InstalledPrograms()
    )


def test_the_parts_are_named_with_their_versions() -> None:
    programs = InstalledPrograms(envoy=Program("/e", "1.40.0"), kserve=Program("/p", "0.21.0"))
    assert programs.lines() == (
        "ingress: Envoy 1.40.0",
        "model server: KServe SDK 0.21.0, a process for each predictor pod",
    )
    assert programs.versions() == {"envoy": "1.40.0", "kserve": "0.21.0"}
    assert InstalledPrograms().lines() == ()

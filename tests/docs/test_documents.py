import re
from pathlib import Path

import pytest
import yaml

from clusters import versions
from conformance.cli.entry import HELP
from conformance.settings.settings import load
from conformance.settings.sources import LEAVES, variable

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_example_of_settings_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(ROOT / "docs" / "conformance.yaml", {"GATEWAY_TOKEN": "t"})
    assert settings.cluster == "existing"
    assert settings.implementation is not None


def commands(path: Path) -> set[str]:
    """Commands of the suite that a text names."""
    return set(re.findall(r"(?:`|    )conformance ([a-z]+)\b", path.read_text(encoding="utf-8")))


def links(path: Path) -> list[Path]:
    """What a text links to and the files of the project that it names."""
    text = path.read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"\b((?:clusters|fixtures|conformance|docs)/[\w./-]+\.(?:py|yaml|json|md))\b", text)
    return [path.parent / target for target in linked] + [ROOT / target for target in named]


def variables(path: Path) -> set[str]:
    """Environment variables of the suite that a text names."""
    return set(re.findall(r"\bCONFORMANCE_[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(path: Path) -> None:
    assert commands(path) <= set(HELP)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_paths_in_documents_exist(path: Path) -> None:
    assert [target for target in links(path) if not target.exists()] == []


@pytest.mark.parametrize("path", [*DOCUMENTS, *WORKFLOWS], ids=lambda path: path.name)
def test_variables_name_settings(path: Path) -> None:
    assert variables(path) <= {variable(name) for name in LEAVES}


def test_what_documents_name_is_found_in_them() -> None:
    assert set().union(*map(commands, DOCUMENTS)) >= {"run", "judge", "faults"}
    assert {ROOT / "docs" / "recording.md", ROOT / "clusters" / "existing" / "role.yaml"} <= {
        target.resolve() for path in DOCUMENTS for target in links(path)
    }
    assert "CONFORMANCE_INSTALL_KSERVE" in set().union(*map(variables, DOCUMENTS))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_has_a_time_limit_and_few_rights(path: Path) -> None:
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert value["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in value["jobs"].values())


def test_the_nightly_run_uses_known_rows() -> None:
    text = (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert {entry["kserve"] for entry in jobs["cluster"]["strategy"]["matrix"]["include"]} <= set(versions.names())

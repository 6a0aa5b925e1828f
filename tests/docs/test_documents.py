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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|    )conformance ([a-z]+)\b", text)) <= set(HELP)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_paths_in_documents_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / target).exists(), target
    for target in re.findall(r"\b((?:clusters|fixtures|conformance|docs)/[\w./-]+\.(?:py|yaml|json|md))\b", text):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("path", [*DOCUMENTS, *WORKFLOWS], ids=lambda path: path.name)
def test_variables_name_settings(path: Path) -> None:
    known = {variable(name) for name in LEAVES}
    found = set(re.findall(r"\bCONFORMANCE_[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8")))
    assert found <= known


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_has_a_time_limit_and_few_rights(path: Path) -> None:
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert value["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in value["jobs"].values())


def test_the_nightly_run_uses_known_rows() -> None:
    text = (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert {entry["kserve"] for entry in jobs["cluster"]["strategy"]["matrix"]["include"]} <= set(versions.names())

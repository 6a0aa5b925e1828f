"""The API server stands alone: nothing of the project is imported, and the example of its README runs."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import clusters.embedded.api

FOLDER = Path(clusters.embedded.api.__file__).parent
ALLOWED = {*sys.stdlib_module_names, "trustme", "uvicorn", "yaml"}


def test_it_imports_itself_the_standard_library_and_three_packages() -> None:
    imported = {name for path in FOLDER.glob("*.py") for name in _imports(path)}
    own = {name for name in imported if name.startswith("clusters.embedded.api")}
    assert own
    assert {name.partition(".")[0] for name in imported - own} <= ALLOWED


def _imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            found.append(node.module or "")
    return found

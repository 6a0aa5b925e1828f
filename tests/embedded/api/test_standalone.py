"""The API server stands alone: nothing of the project is imported, and the example of its README runs."""

from __future__ import annotations

import ast
import base64
import contextlib
import http.client
import os
import re
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

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


def test_the_example_of_the_readme_serves_a_client(tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.S)
    assert example is not None
    script = tmp_path / "example.py"
    script.write_text(example.group(1))
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(FOLDER.parents[2])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as serving:
        try:
            assert serving.stdout is not None
            kubeconfig = Path(serving.stdout.readline().strip().removeprefix("export KUBECONFIG="))
            assert b'"kube-system"' in _ask(yaml.safe_load(kubeconfig.read_text()))
        finally:
            serving.kill()


def _ask(config: dict[str, Any]) -> bytes:
    """The list of namespaces, asked for as a kubeconfig says."""
    cluster = config["clusters"][0]["cluster"]
    authority = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    connection = http.client.HTTPSConnection(cluster["server"].removeprefix("https://"), context=authority, timeout=60)
    headers = {"authorization": f"Bearer {config['users'][0]['user']['token']}", "accept": "application/json"}
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/namespaces", headers=headers)
        return connection.getresponse().read()

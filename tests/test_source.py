"""What the source may not contain."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("conformance", "clusters", "reports", "tests")
CODE_FROM_DATA = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
SHELLS = {
    "os.system", "os.popen", "os.spawnl", "os.spawnv", "subprocess.getoutput", "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell", "commands.getoutput", "pty.spawn", "tempfile.mktemp",
}  # fmt: skip
ALLOWED = {
    "tests/settings/test_settings.py": ("imports pickle",),  # sees that secrets refuse it
    "clusters/embedded/api/json_values.py": ("imports marshal",),  # reads what it wrote itself a moment ago
}
EVALUATORS = {"eval", "exec", "compile"}
UNSAFE_YAML = {"yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "yaml.full_load_all"}
LOADING_YAML = {"yaml.load", "yaml.load_all"}


TELLTALE = re.compile(
    rf"\b(?:{'|'.join(CODE_FROM_DATA)})\b|(?<![\w.])(?:{'|'.join(EVALUATORS)})\b"
    rf"|\b(?:{'|'.join(sorted({name.rpartition('.')[2] for name in SHELLS}))})\b"
    r"|\bshell\b|\byaml\b.*load|Environment"
)
"""A word of which one stands in every module with a fault: finding none takes a tenth of the time of parsing it."""


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a call's function."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(text: str) -> Iterator[str]:
    """What a module does that none may."""
    for node in ast.walk(ast.parse(text)) if TELLTALE.search(text) else ():
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                if name.partition(".")[0] in CODE_FROM_DATA:
                    yield f"{node.lineno}: imports {name}"
        elif isinstance(node, ast.Call):
            yield from _call(node)


def _call(node: ast.Call) -> Iterator[str]:
    name = dotted(node.func)
    if name in SHELLS | EVALUATORS | UNSAFE_YAML:
        yield f"{node.lineno}: calls {name}"
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    shell = keywords.get("shell")
    if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
        yield f"{node.lineno}: shell={ast.unparse(shell)}"
    if name in LOADING_YAML:
        loader = ast.unparse(keywords.get("Loader", ast.Constant(None))).lower()
        if not loader.endswith("loader"):
            yield f"{node.lineno}: {name} without a named loader"
    escape = keywords.get("autoescape")
    if name.endswith("Environment") and name.startswith("jinja2") and ast.unparse(escape or ast.Constant(0)) != "True":
        yield f"{node.lineno}: a template environment without autoescape"


def test_no_module_runs_a_shell_or_code_from_data() -> None:
    found = []
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        here = faults(path.read_text(encoding="utf-8"))
        found += [f"{name}:{fault}" for fault in here if not fault.endswith(ALLOWED.get(name) or ("\0",))]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from marshal import loads", "eval('1')", "os.system('x')", "subprocess.run('x', shell=True)",
        "yaml.load(x)", "yaml.unsafe_load(x)", "jinja2.Environment()",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert list(faults(text))


def test_every_loader_of_yaml_is_a_safe_one() -> None:
    for path in sources():
        text = path.read_text(encoding="utf-8")
        unsafe = [word for word in re.findall(r"yaml\.(\w*Loader)\b", text) if "Safe" not in word]
        assert not unsafe or path == Path(__file__), (path, unsafe)

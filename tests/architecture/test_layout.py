"""What the sources are held to whatever they do: sizes, docstrings, a registry that is complete."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import arbsniper_tui
from arbsniper_tui.venues import VENUES

PACKAGE = Path(arbsniper_tui.__file__).parent
ROOT = Path(__file__).resolve().parents[2]

MODULE_LIMIT = 350
FUNCTION_LIMIT = 50
APP_LIMIT = 250
README_LIMIT = 120
TEST_FILE_LIMIT = 600

# In two parts, so that this file does not name them either.
PACKAGE_HOSTS = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("crates", "io"),
    ("proxy.golang", "org"),
    ("rubygems", "org"),
    ("conda.anaconda", "org"),
)

VENUE_BLIND = ("feeds", "net", "wire", "tapes", "spread", "desk", "engine", "universe")
"""Rooms that know a venue by its declaration only."""

MODULES = sorted(PACKAGE.rglob("*.py"))
COMMAND_MODULES = sorted(path for path in PACKAGE.glob("cli/*.py") if path.name != "tables.py")
"""Tables are drawn with Rich, which no other room but `ui` may load."""
DECISIONS = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match, ast.comprehension)
DECISION_LIMIT = 3
"""Of one function: which front end, as JSON or not, an error into an exit code."""


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


every_module = pytest.mark.parametrize("module", MODULES, ids=name_of)


@pytest.mark.parametrize("module", [*PACKAGE.glob("workers/[a-z]*.py")], ids=name_of)
def test_a_worker_module_is_an_entry_point_and_nothing_else(module: Path) -> None:
    docstring, *imports, main = ast.parse(module.read_text()).body
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(each, ast.ImportFrom) for each in imports)
    assert isinstance(main, ast.If) and ast.unparse(main.test) == "__name__ == '__main__'"
    [run] = main.body
    assert ast.unparse(run).startswith("run_worker(")


@pytest.mark.parametrize("module", [m for m in MODULES if name_of(m).partition("/")[0] in VENUE_BLIND], ids=name_of)
def test_what_serves_all_venues_names_none(module: Path) -> None:
    texts = {each.value for each in ast.walk(ast.parse(module.read_text())) if isinstance(each, ast.Constant)}
    assert not texts & set(VENUES)


@pytest.mark.parametrize("module", COMMAND_MODULES, ids=name_of)
def test_a_module_of_the_command_line_holds_options_and_calls(module: Path) -> None:
    tree = ast.parse(module.read_text())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.ClassDef), f"{node.name} belongs to the room that it is about"
        if isinstance(node, ast.FunctionDef):
            decisions = [each for each in ast.walk(node) if isinstance(each, DECISIONS)]
            assert len(decisions) <= DECISION_LIMIT, f"{node.name} decides too much for a place of options"


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 50


@every_module
def test_a_module_fits_a_few_screens(module: Path) -> None:
    assert lines_of(module) < (APP_LIMIT if name_of(module) == "ui/app.py" else MODULE_LIMIT)


@every_module
def test_a_function_fits_one_screen(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 < FUNCTION_LIMIT, f"{node.name} at line {node.lineno}"


@every_module
def test_a_module_says_what_belongs_in_it(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))


def test_no_test_file_is_too_long_to_find_anything_in() -> None:
    tests = list((ROOT / "tests").rglob("*.py"))
    assert [path.name for path in tests if lines_of(path) >= TEST_FILE_LIMIT] == []


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_the_readme_takes_five_minutes() -> None:
    readme = ROOT / "README.md"
    assert 0 < lines_of(readme) < README_LIMIT


def tracked() -> Iterator[Path]:
    """The files of the repository: those that git tracks, and new ones that it does not ignore."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            yield ROOT / name


def test_no_file_names_a_host_of_packages() -> None:
    wanted = re.compile("|".join(re.escape(".".join(host)) for host in PACKAGE_HOSTS).encode())
    found = {str(path.relative_to(ROOT)) for path in tracked() if wanted.search(path.read_bytes())}
    assert found == set()

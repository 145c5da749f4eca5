"""Every error that the program raises on purpose is in one tree, in one module, and the module's docstring draws it."""

import ast
import builtins
import inspect
import re
from pathlib import Path

import pytest

import arbsniper_tui
from arbsniper_tui.model import errors

PACKAGE = Path(arbsniper_tui.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != Path(errors.__file__))
ERRORS = {name: each for name, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Exception)}
BUILT_IN = {name for name, each in vars(builtins).items() if inspect.isclass(each) and issubclass(each, BaseException)}


def drawn() -> dict[str, str]:
    """Each error that the docstring draws, with the one above it."""
    above: dict[str, str] = {}
    path: list[str] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─ ]*)([A-Z]\w+)(?: {2,}|$)", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            above[found[2]] = path[depth - 1] if depth else "Exception"
    return above


def test_the_drawn_tree_is_the_tree() -> None:
    assert drawn().keys() == ERRORS.keys()
    for name, above in drawn().items():
        assert above in {base.__name__ for base in ERRORS[name].__bases__}, name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_module_defines_an_error(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ClassDef):
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            assert bases.isdisjoint({*ERRORS, *BUILT_IN}), node.name

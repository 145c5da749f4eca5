"""No module imports itself over others: neither at its top, nor within a function, nor for its types alone."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import arbsniper_tui

PACKAGE = Path(arbsniper_tui.__file__).parent


def modules_of(package: Path) -> dict[str, Path]:
    """The modules of a package by their full names; a package within it is named without `__init__`."""
    files = sorted(package.rglob("*.py"))
    parts = (file.relative_to(package.parent).with_suffix("").parts for file in files)
    return {
        ".".join(part for part in each if part != "__init__"): file for each, file in zip(parts, files, strict=True)
    }


def imported_by(module: str, file: Path) -> Iterator[str]:
    """Every name that a module may load: of a module, or of something in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


def import_graph(package: Path) -> dict[str, set[str]]:
    """Each module with those that it imports. Importing `a.b.c` runs the packages `a` and `a.b` too."""
    modules = modules_of(package)
    graph: dict[str, set[str]] = {}
    for module, file in modules.items():
        parts = (name.split(".") for name in imported_by(module, file))
        run = {".".join(each[: n + 1]) for each in parts for n in range(len(each))}
        graph[module] = {name for name in run & modules.keys() if not f"{module}.".startswith(f"{name}.")}
    return graph


def circle_in(package: Path) -> list[str]:
    """The modules of one import circle, in order; empty where there is none."""
    try:
        TopologicalSorter(import_graph(package)).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_there_is_no_import_circle() -> None:
    assert sum(map(len, import_graph(PACKAGE).values())) > 500
    assert circle_in(PACKAGE) == []


@pytest.mark.parametrize(
    "closing",
    [
        "from made.room import first",
        "from .first import thing",
        "from . import first",
        "def later():\n    import made.room.first",
        "if TYPE_CHECKING:\n    from made.room.first import thing",
        "def later():\n    return importlib.import_module('made.room.first')",
    ],
)
def test_a_circle_is_found_however_it_is_closed(tmp_path: Path, closing: str) -> None:
    room = tmp_path / "made" / "room"
    room.mkdir(parents=True)
    sources = {"first": "from made.room import second", "second": "import made.room.third", "third": closing}
    for name, source in {"__init__": "", "../__init__": "", **sources}.items():
        (room / f"{name}.py").write_text(source)
    assert set(circle_in(tmp_path / "made")) == {f"made.room.{name}" for name in sources}
    (room / "third.py").write_text("import made.room")
    assert circle_in(tmp_path / "made") == []


def test_a_package_that_imports_what_imports_it_is_a_circle(tmp_path: Path) -> None:
    package = tmp_path / "made"
    (package / "room").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "outside.py").write_text("from made.room.inside import thing")
    (package / "room" / "__init__.py").write_text("from made.outside import thing")
    (package / "room" / "inside.py").touch()
    assert set(circle_in(package)) == {"made.outside", "made.room"}

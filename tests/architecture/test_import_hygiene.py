"""What a process loads: the terminal's libraries belong to the terminal UI alone."""

import subprocess
import sys
from pathlib import Path

import pytest

import arbsniper_tui

PACKAGE = Path(arbsniper_tui.__file__).parent
DRAWING = ("textual", "rich")

BELOW_THE_FRONT_ENDS = (
    "model",
    "venues",
    "engine",
    "latency",
    "runtime",
    "wire",
    "net",
    "sim",
    "tapes",
    "config",
    "sinks",
    "feeds",
    "universe",
    "desk",
    "session",
    "spread",
    "alerts",
    "api",
    "traces",
    "workers",
    "node",
    "tools",
    "headless",
)


def modules_of(folder: str) -> list[str]:
    files = sorted((PACKAGE / folder).rglob("*.py"))
    parts = (file.relative_to(PACKAGE.parent).with_suffix("").parts for file in files)
    return [".".join(part for part in each if part != "__init__") for each in parts]


def loaded_after(*modules: str) -> set[str]:
    """The top-level packages that a new process has loaded after importing these."""
    code = "import sys, importlib\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_every_folder_is_a_layer_that_is_looked_at() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == {*BELOW_THE_FRONT_ENDS, "ui", "cli"}


def test_nothing_below_the_terminal_ui_loads_what_draws() -> None:
    modules = [module for folder in BELOW_THE_FRONT_ENDS for module in modules_of(folder)]
    assert len(modules) > 40
    assert loaded_after(*modules).isdisjoint(DRAWING)


@pytest.mark.parametrize("module", modules_of("workers")[1:])
def test_a_worker_loads_by_itself_and_without_what_draws(module: str) -> None:
    assert loaded_after(module).isdisjoint(DRAWING)


@pytest.mark.parametrize("folder", ["model", "venues", "engine", "latency"])
def test_the_pure_layers_load_no_sockets(folder: str) -> None:
    assert loaded_after(*modules_of(folder)).isdisjoint({*DRAWING, "zmq", "redis", "websockets", "asyncio"})


def test_the_check_sees_what_the_terminal_ui_loads() -> None:
    assert "textual" in loaded_after("arbsniper_tui.ui.app")

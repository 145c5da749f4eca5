"""What the README tells a newcomer to type works, in the order in which it stands there."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def blocks() -> list[str]:
    """The blocks of code, in order."""
    return re.findall(r"^```.*?\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """The lines of the blocks without their comments."""
    return [line.partition("#")[0].strip() for block in blocks() for line in block.splitlines()]


def needs_of(target: str) -> str:
    """What make would run for a target of a fresh checkout, without running it."""
    command = ["make", "--dry-run", "--always-make", "PYTHON=python3", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_make_target_in_the_readme_exists() -> None:
    named = {target for command in commands() for target in re.findall(r"\bmake (\w+)", command)}
    targets = set(re.findall(r"^(\w+):", MAKEFILE, re.MULTILINE))
    assert named and named <= targets


def test_the_demo_is_made_without_what_developers_need() -> None:
    assert "install" in needs_of("demo")
    assert "[dev]" not in needs_of("demo")
    assert "[dev]" in needs_of("test")


def test_the_environment_is_entered_before_the_first_bare_command() -> None:
    lines = commands()
    entered = next(number for number, line in enumerate(lines) if ".venv/bin/activate" in line)
    bare = next(number for number, line in enumerate(lines) if line.startswith("arbsniper-tui"))
    assert entered < bare

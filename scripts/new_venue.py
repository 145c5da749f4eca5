"""Write the files of a new venue from scripts/venue_template, ready to be filled in: `make new-venue NAME=gate`."""

import re
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("venue_template")
FRAMES = tuple(f"{market}.{kind}" for market in ("spot", "perp") for kind in ("top.jsonl", "other.jsonl", "list.json"))


def files_of(name: str, root: Path) -> dict[str, Path]:
    """Each template, and the file that is written from it."""
    frames = root / "tests" / "venues" / "frames" / name
    return {
        "venue.py.txt": root / "arbsniper_tui" / "venues" / f"{name}.py",
        "sim.py.txt": root / "arbsniper_tui" / "sim" / f"{name}.py",
        "test.py.txt": root / "tests" / "venues" / f"test_{name}.py",
    } | {f"{frames_file}.txt": frames / frames_file for frames_file in FRAMES}


def write_venue(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a venue. Raises SystemExit where the name is none, or a file is there already."""
    if not re.fullmatch(r"[a-z][a-z0-9]*", name):
        raise SystemExit(f"NAME={name}: expected lower-case letters and digits, such as NAME=gate")
    files = files_of(name, root)
    if there := [str(file.relative_to(root)) for file in files.values() if file.exists()]:
        raise SystemExit(f"NAME={name}: these files exist already: {', '.join(there)}")
    for template, file in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template((TEMPLATE / template).read_text()).substitute(name=name, Name=name.capitalize()))
    return list(files.values())


def main() -> None:
    """Write the files, and say what is left to do."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    written = "\n".join(f"  {file.relative_to(ROOT)}" for file in write_venue(name))
    sys.stdout.write(
        f"written:\n{written}\n"
        f"now add {name.capitalize()}() to VENUES in arbsniper_tui/venues/__init__.py, and its dialect "
        f"{name.capitalize()} to DIALECTS in arbsniper_tui/sim/registry.py;\n"
        f"run make docs; then replace the invented wire (REPLACE and example.invalid mark where it begins), give the\n"
        f"files of frames the name of your channel, and take out the market that the venue does not have, with its\n"
        f"files, as docs/adding-a-venue.md says\n"
    )


if __name__ == "__main__":
    main()

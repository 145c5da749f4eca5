"""The pages that are made from the sources are those that the sources make now."""

import runpy
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from arbsniper_tui.model.signal import Event, EventKind, Signal

ROOT = Path(__file__).resolve().parents[2]
MAKE_DOCS = runpy.run_path(str(ROOT / "scripts" / "make_docs.py"))


@pytest.mark.parametrize("name", MAKE_DOCS["PAGES"])
def test_a_page_is_up_to_date(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert page == MAKE_DOCS["PAGES"][name](), "run: make docs"


@pytest.mark.parametrize("struct", [Signal, Event])
def test_every_field_stands_on_the_page_of_signals(struct: type[msgspec.Struct]) -> None:
    page = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(struct):
        assert f"| `{field.encode_name}` |" in page, field.encode_name


def test_every_kind_of_event_has_its_line() -> None:
    assert set(MAKE_DOCS["KINDS"]) == set(get_args(EventKind))


def test_links_of_the_readme_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [part.partition(")")[0] for part in readme.split("](")[1:]]
    assert targets
    missing = [target for target in targets if "://" not in target and not (ROOT / target.partition("#")[0]).exists()]
    assert missing == []

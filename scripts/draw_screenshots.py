"""Draws screenshots/*.svg from a snapshot built by hand with a fixed seed, so that they never lie and never differ."""

import asyncio
import os
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from arbsniper_tui.venues import OPEN_VENUES  # noqa: E402  # after the path is set, as is the next
from tests.ui import builder  # noqa: E402  # the tests' builder, found by the line above
from tests.ui.played import PlayedView, app_on  # noqa: E402 - after the path is set

PICTURES = {
    "overview-80x24": ((80, 24), []),
    "overview-120x36": ((120, 36), []),
    "overview-200x50": ((200, 50), []),
    "prices-120x36": ((120, 36), ["2"]),
    "routes-120x36": ((120, 36), ["3"]),
    "signals-120x36": ((120, 36), ["4"]),
    "latency-120x36": ((120, 36), ["5"]),
    "detail-120x36": ((120, 36), ["down", "enter"]),
}


async def draw(size: tuple[int, int], keys: list[str]) -> str:
    """The SVG of the screen that `keys` lead to."""
    symbols = 6 if size[0] >= 200 else 3 if size[0] >= 120 else 2
    supported = [venue for venue in builder.VENUES if venue in OPEN_VENUES]
    view = PlayedView(builder.snapshot(supported, list(builder.MIDS)[:symbols], mode="demo"))
    app = app_on(view)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        await pilot.pause(0.2)
        picture = app.export_screenshot(title="arbsniper-tui")
    # The exporter numbers its styles after a checksum that differs between releases of Python.
    return re.sub(r"terminal-\d+", "terminal", picture)


def main() -> None:
    os.environ.update(TZ="UTC", TERM="xterm-256color", COLORTERM="truecolor")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    for name, (size, keys) in PICTURES.items():
        (folder / f"{name}.svg").write_text(asyncio.run(draw(size, keys)), encoding="utf-8")
        sys.stdout.write(f"screenshots/{name}.svg\n")


if __name__ == "__main__":
    main()

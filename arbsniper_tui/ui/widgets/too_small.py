"""The notice in place of everything where the terminal is too small to read."""

from textual.widgets import Static

from arbsniper_tui.runtime.terminal import LEAST_COLUMNS, LEAST_LINES


class TooSmall(Static):
    """Says the size there is and the size it takes."""

    DEFAULT_CSS = (
        "TooSmall { display: none; width: 100%; height: 100%; content-align: center middle; text-align: center; }"
    )

    def show(self, width: int, height: int) -> None:
        self.update(
            f"This terminal is {width}x{height}.\narbsniper needs {LEAST_COLUMNS}x{LEAST_LINES}.\nMake it larger."
        )


def is_too_small(width: int, height: int) -> bool:
    return width < LEAST_COLUMNS or height < LEAST_LINES

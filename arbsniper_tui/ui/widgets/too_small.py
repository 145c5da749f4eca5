"""The notice in place of everything where the terminal is too small to read."""

from textual.widgets import Static

LEAST_WIDTH = 60
LEAST_HEIGHT = 15


class TooSmall(Static):
    """Says the size there is and the size it takes."""

    DEFAULT_CSS = (
        "TooSmall { display: none; width: 100%; height: 100%; content-align: center middle; text-align: center; }"
    )

    def show(self, width: int, height: int) -> None:
        self.update(
            f"This terminal is {width}x{height}.\narbsniper needs {LEAST_WIDTH}x{LEAST_HEIGHT}.\nMake it larger."
        )


def is_too_small(width: int, height: int) -> bool:
    return width < LEAST_WIDTH or height < LEAST_HEIGHT

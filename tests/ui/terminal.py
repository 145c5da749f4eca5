"""A terminal that remembers what was written to it, and the lines that an app shows."""

from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.widget import Widget
from waiting import eventually

from arbsniper_tui.ui.app import ArbsniperApp
from arbsniper_tui.ui.paint import ROLES


class Terminal:
    """Hand `driver` to an app that runs with `headless=False`; `written` then holds what crosses the line."""

    def __init__(self) -> None:
        self.written: list[str] = []
        written = self.written

        class RememberingDriver(HeadlessDriver):
            """Writes as the real driver does, into a list."""

            @property
            def is_headless(self) -> bool:
                return False

            def write(self, data: str) -> None:
                written.append(data)

            def flush(self) -> None:
                pass

        self.driver = RememberingDriver

    @property
    def text(self) -> str:
        return "".join(self.written)

    @property
    def sent_bytes(self) -> int:
        return len(self.text.encode())


async def drawn(pilot: Pilot[None]) -> None:
    """Wait until everything that has changed is drawn."""
    await pilot.pause()
    screen = pilot.app.screen

    def is_drawn() -> bool:
        waiting = [each for each in (screen, *screen.query("*")) if each._repaint_required or each._layout_required]
        return not (waiting or screen._dirty_widgets or screen.message_queue_size)

    await eventually(is_drawn)


def lines_of(app: ArbsniperApp) -> list[str]:
    """What stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def shown(app: ArbsniperApp) -> str:
    return "\n".join(lines_of(app))


def roles_of(pane: Widget, text: str) -> set[str]:
    """The roles of the style in which a text is drawn in a pane; several may look alike."""
    for y in range(pane.size.height):
        for segment in pane.render_line(y):
            if text in segment.text:
                return {
                    role for role in ROLES if pane.screen.get_component_rich_style(f"role--{role}") == segment.style
                }
    raise AssertionError(f"{text!r} is not drawn")

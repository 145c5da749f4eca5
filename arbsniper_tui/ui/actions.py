"""Every key in one table. The bindings, the palette, the key bar, the help screen and docs/keys.md are made from it."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key does. `call` is Textual's action string; `shown` is the key as people write it."""

    call: str
    keys: str
    shown: str
    title: str
    says: str
    hint: str = ""
    """One word for the key bar; empty: not there."""
    in_palette: bool = True

    @property
    def method(self) -> str:
        return f"action_{self.call.partition('(')[0]}"


ACTIONS = (
    Action("leave", "q,ctrl+c,ctrl+q", "q", "Quit", "What it started stops; what it joined runs on.", "quit"),
    Action("help", "question_mark,f1", "?", "Help", "Every key, and what the marks mean.", "help"),
    Action("command_palette", "ctrl+p", "ctrl+p", "Palette", "Find an action or a theme by name.", in_palette=False),
    Action("goto('overview')", "1", "1", "Overview", "Prices, routes, signals, latency at a glance."),
    Action("goto('prices')", "2", "2", "Prices", "Every instrument's best bid and ask."),
    Action("goto('routes')", "3", "3", "Routes", "The routes, and why each does not signal."),
    Action("goto('signals')", "4", "4", "Signals", "The log of signals, venues and workers."),
    Action("goto('health')", "5", "5", "Latency and feeds", "Stages, feeds, workers, Redis, the UI's cost."),
    Action("filter", "slash", "/", "Filter", "Symbols and venues that hold each typed word.", "filter"),
    Action("sort", "s", "s", "Sort", "The next order; the pane's header says which.", "sort"),
    Action("detail", "enter", "enter", "Detail", "The selected route, and why it does not signal.", "detail"),
    Action("freeze", "space", "space", "Freeze the view", "Feeds, engine and Redis run on.", "freeze"),
    Action("step_threshold(1)", "plus,equals_sign", "+", "Threshold up", "By 0.05, for all viewers of the node."),
    Action("step_threshold(-1)", "minus", "-", "Threshold down", "By 0.05, for all viewers of the node."),
    Action("type_threshold", "t", "t", "Type a threshold", "In percent, for all viewers of the node.", "threshold"),
    Action("switch_basis", "b", "b", "Gross or net", "Spreads as quoted, or after both taker fees.", "basis"),
    Action("pause", "p", "p", "Pause a replay", "Or play it on, for all viewers of the node."),
    Action(
        "step_speed(1)", "greater_than_sign,full_stop", ">", "Replay faster", "By a step, up to as fast as it goes."
    ),
    Action("step_speed(-1)", "less_than_sign,comma", "<", "Replay slower", "By a step, down to a tenth."),
    Action("step_back", "escape", "esc", "Back", "Close, clear the filter, or show the overview."),
    Action("next_pane", "tab", "tab", "Next pane", "Hand the arrow keys to the next pane."),
    Action("move('up')", "up,k", "↑", "Up", "Select the row above, or scroll.", in_palette=False),
    Action("move('down')", "down,j", "↓", "Down", "Select the row below, or scroll.", in_palette=False),
    Action("move('page_up')", "pageup", "PageUp", "Page up", "One page up.", in_palette=False),
    Action("move('page_down')", "pagedown", "PageDown", "Page down", "One page down.", in_palette=False),
    Action("move('home')", "home", "Home", "First row", "Or the top.", in_palette=False),
    Action("move('end')", "end", "End", "Last row", "The log follows the newest from there.", in_palette=False),
)

MARKS = (
    ("▲", "best bid", "the highest that takes part: where to sell"),
    ("▼", "best ask", "the lowest that takes part: where to buy"),
    ("●", "open", "an open opportunity; a live feed"),
    ("○", "closed", "a closed opportunity; a feed that starts"),
    ("◐", "silent", "connected, but its data stopped"),
    ("×", "down", "a feed or worker that is down"),
)


def bindings(actions: Iterable[Action] = ACTIONS) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    return [
        Binding(action.keys, action.call, action.title, show=False, key_display=action.shown, tooltip=action.says)
        for action in actions
        if action.call != "command_palette"
    ]


def keys_page() -> str:
    """docs/keys.md."""
    lines = [
        "# Keys",
        "",
        "Made from `arbsniper_tui/ui/actions.py`; a test holds this page to it.",
        "",
        "| key | does | |",
        "|---|---|---|",
    ]
    lines += [f"| `{action.shown}` | {action.title} | {action.says} |" for action in ACTIONS]
    lines += ["", "## Marks", "", "| mark | is | |", "|---|---|---|"]
    lines += [f"| {mark} | {name} | {says} |" for mark, name, says in MARKS]
    return "\n".join(lines) + "\n"

"""Every key in one table. The keyboard, the palette, the key bar, the help screen and docs/keys.md are made from it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key does: a method of the keyboard, and what it is called with. `shown` is the key as people write
    it."""

    name: str
    keys: str
    shown: str
    title: str
    says: str
    hint: str = ""
    """One word for the key bar; empty where the bar does not show it."""
    in_palette: bool = True
    argument: str | int | None = None


ACTIONS = (
    Action("leave", "q,ctrl+c,ctrl+q", "q", "Quit", "What it started stops; what it joined runs on.", "quit"),
    Action("help", "question_mark,f1", "?", "Help", "Every key, and what the marks mean.", "help"),
    Action("palette", "ctrl+p", "ctrl+p", "Palette", "Find an action or a theme by name.", in_palette=False),
    Action("goto", "1", "1", "Overview", "Prices, routes, signals, latency at a glance.", argument="overview"),
    Action("goto", "2", "2", "Prices", "Every instrument's best bid and ask.", argument="prices"),
    Action("goto", "3", "3", "Routes", "The routes, and why each does not signal.", argument="routes"),
    Action("goto", "4", "4", "Signals", "The log of signals, venues and workers.", argument="signals"),
    Action("goto", "5", "5", "Latency and feeds", "Stages, feeds, workers, Redis, the UI's cost.", argument="health"),
    Action("filter", "slash", "/", "Filter", "Symbols, venues and markets with each word.", "filter"),
    Action("sort", "s", "s", "Sort", "The next order; the pane's header says which.", "sort"),
    Action("detail", "enter", "enter", "Detail", "The selected route, and why it does not signal.", "detail"),
    Action("identity", "i", "i", "Identity", "Coins whose price does not fit their peers'."),
    Action("judge", "v", "v", "Verdict on a coin", "Same, different, or sold by the thousand."),
    Action("mute", "m", "m", "Mute a route", "The selected one makes no signal, or again."),
    Action("freeze", "space", "space", "Freeze the view", "Feeds, engine and Redis run on.", "freeze"),
    Action(
        "step_threshold", "plus,equals_sign", "+", "Threshold up", "By 0.05, for all viewers of the node.", argument=1
    ),
    Action("step_threshold", "minus", "-", "Threshold down", "By 0.05, for all viewers of the node.", argument=-1),
    Action("type_threshold", "t", "t", "Type a threshold", "In percent, for all viewers of the node.", "threshold"),
    Action("switch_basis", "b", "b", "Gross or net", "Spreads as quoted, or after both taker fees.", "basis"),
    Action("pause", "p", "p", "Pause a replay", "Or play it on, for all viewers of the node."),
    Action(
        "step_speed",
        "greater_than_sign,full_stop",
        ">",
        "Replay faster",
        "By a step, up to as fast as it goes.",
        argument=1,
    ),
    Action("step_speed", "less_than_sign,comma", "<", "Replay slower", "By a step, down to a tenth.", argument=-1),
    Action("step_back", "escape", "esc", "Back", "Close, clear the filter, or show the overview."),
    Action("next_pane", "tab", "tab", "Next pane", "Hand the arrow keys to the next pane."),
    Action("move", "up,k", "↑", "Up", "Select the row above, or scroll.", in_palette=False, argument="up"),
    Action("move", "down,j", "↓", "Down", "Select the row below, or scroll.", in_palette=False, argument="down"),
    Action("move", "pageup", "PageUp", "Page up", "One page up.", in_palette=False, argument="page_up"),
    Action("move", "pagedown", "PageDown", "Page down", "One page down.", in_palette=False, argument="page_down"),
    Action("move", "home", "Home", "First row", "Or the top, and stay there.", in_palette=False, argument="home"),
    Action(
        "move",
        "end",
        "End",
        "Last row",
        "A log with the oldest first follows the newest.",
        in_palette=False,
        argument="end",
    ),
)

MARKS = (
    ("▲", "best bid", "the highest that takes part: where to sell"),
    ("▼", "best ask", "the lowest that takes part: where to buy"),
    ("≈", "converted", "at a live rate; the venue's own price is below"),
    ("●", "open", "an open opportunity; a live feed"),
    ("·", "update", "an open opportunity that has changed"),
    ("○", "closed", "a closed opportunity; a feed that starts"),
    ("◐", "silent", "connected, but its data stopped"),
    ("×", "down", "a feed or worker that is down"),
    ("▲", "up", "in the log: a feed or worker that is up"),
    ("=", "settings", "in the log: another threshold or basis"),
    ("!", "alert", "in the log: what an alert rule of yours told"),
    ("?", "not known", "a feed while the node is not heard"),
    ("▶", "plays", "a replay that plays"),
    ("‖", "paused", "a replay that is paused"),
    ("■", "end", "the tapes have ended"),
)


KEYS = {key: action for action in ACTIONS for key in action.keys.split(",")}
"""The action of each key, by Textual's name of the key."""
ALWAYS = ("ctrl+c", "ctrl+q")
"""Keys that no prompt takes."""


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

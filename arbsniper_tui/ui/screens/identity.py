"""Coins whose price does not fit that of their peers: what speaks for and against each, and the user's verdict."""

from textual.app import ComposeResult

from arbsniper_tui.model.instrument import Instrument
from arbsniper_tui.model.reason import ReasonCode, reason_words
from arbsniper_tui.model.verdict import power_of_ten, ratio_words
from arbsniper_tui.model.view import HeldRow
from arbsniper_tui.session import derived
from arbsniper_tui.session.snapshot import Snapshot
from arbsniper_tui.ui import format as fmt
from arbsniper_tui.ui.paint import Line, joined
from arbsniper_tui.ui.screens.base import Body, NodeScreen, Pane
from arbsniper_tui.ui.view import View
from arbsniper_tui.ui.widgets.held_pane import HeldPane
from arbsniper_tui.ui.widgets.pane import TextPane

NONE_HELD = "no coin is held: every price fits its peers', or has none"


class IdentityScreen(NodeScreen):
    """What is held above, the evidence on the selected one below; `esc` leaves it."""

    DEFAULT_CSS = """
    IdentityScreen HeldPane { height: 1fr; }
    IdentityScreen #evidence { height: 2fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._held = HeldPane()
        self._evidence = TextPane("Evidence", id="evidence")
        self._told: HeldRow | None = None

    def body(self) -> ComposeResult:
        with Body(classes="body"):
            yield self._held
            yield self._evidence

    def panes(self) -> list[Pane]:
        return [self._held, self._evidence]

    @property
    def selected(self) -> HeldRow | None:
        """What a verdict would be on."""
        return self._held.selected

    def selected_route(self, snapshot: Snapshot) -> tuple[int, int] | None:
        return None

    def move(self, direction: str) -> None:
        super().move(direction)
        if self.selected != self._told:
            self.post_message(self.Wanted())

    def show_body(self, view: View) -> None:
        if view.whole or view.second or view.changes.held or view.changes.intro:
            snapshot = view.snapshot
            self._held.show(snapshot.held, derived.instruments_of(snapshot), view.now_ms, NONE_HELD)
            self._told = self.selected
            lines = evidence_lines(snapshot, self._told) if self._told is not None else []
            self._evidence.show(lines, "v says what it is, esc goes back")


def evidence_lines(snapshot: Snapshot, held: HeldRow) -> list[Line]:
    """The prices and the names of one coin and its peers, what they may mean, and what was said before."""
    names = derived.instruments_of(snapshot)
    own = names.get(held.instrument_id)
    if own is None:
        return []
    lines: list[Line] = [(), ((f" {own.venue} {own.symbol}: {reason_words(held.reason)}", "warn"),), ()]
    lines.append(_price(snapshot, own, held.price, held.currency, "bright"))
    peers = ((names[i], price) for i, price in held.peers if i in names)
    lines += [_price(snapshot, each, price, held.currency, "text") for each, price in peers]
    lines += [(), *(((f" {each}", "quiet"),) for each in _meanings(held))]
    return lines


def _price(snapshot: Snapshot, instrument: Instrument, price: float, currency: str, role: str) -> Line:
    facts = snapshot.facts.get(instrument.id)
    coin = facts.coin if facts is not None else None
    shown = f"{fmt.number(price, fmt.decimals_of(price, 2))} {currency}" if price else "-"
    names = "" if coin is None else "  ".join(filter(None, (coin.name, coin.contract)))
    named = f" {instrument.venue:<9} {instrument.symbol:<18} "
    return joined(((named, role), (f"{shown:>22}  ", role), (names, "quiet")))


def _meanings(held: HeldRow) -> list[str]:
    said = []
    if held.verdict is not None:
        at = "" if held.verdict.ratio is None else f" at {ratio_words(held.verdict.ratio)} its peers"
        said.append(f"you said {held.verdict.in_words}{at}, {held.verdict.said}")
    exponent = power_of_ten(held.ratio)
    if held.reason.code is not ReasonCode.IDENTITY:
        return said
    if exponent is not None and exponent > 0:
        said.append(f"a power of ten: it may be sold by the {10**exponent} (multiplier={10**exponent})")
    elif exponent is not None:
        said.append(f"a power of ten: its peers may be sold by the {10**-exponent}")
    if len(held.peers) == 1:
        said.append("with two prices alone nobody can tell which of them is another coin's, so both are held")
    return said

"""`identity`: what a running node holds in quarantine, and verdicts told to it or, where none runs, to its file."""

import time

import zmq
from msgspec import Struct

from arbsniper_tui.desk.verdict_file import VerdictFile
from arbsniper_tui.model.errors import NodeUnreachable, UsageError
from arbsniper_tui.model.instrument import Instrument, parse_symbol
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.model.verdict import Judgement, Verdict, read_judgement
from arbsniper_tui.model.view import FactsRow, HeldRow
from arbsniper_tui.runtime.state_folder import StateFolder, host_name
from arbsniper_tui.venues import VENUES
from arbsniper_tui.wire.endpoints import Endpoints, find_endpoints
from arbsniper_tui.wire.messages import Hello, Refused, SetVerdict, Welcome
from arbsniper_tui.wire.viewing import CommandClient


class Evidence(Struct, frozen=True):
    """One price, and what its venue calls the coin."""

    venue: str
    symbol: str
    price: float
    coin_name: str = ""
    contract: str = ""


class HeldCoin(Struct, frozen=True):
    """An instrument in quarantine."""

    venue: str
    symbol: str
    why: str
    ratio: float
    """Its price beside the median of its peers'."""
    currency: str
    """Of all prices."""
    own: Evidence
    peers: tuple[Evidence, ...]
    since_ms: float
    verdict: str = ""
    """What was said of it before; empty where nothing was."""


class Quarantine(Struct, frozen=True):
    """What a node holds, and the verdicts that are kept for the next one."""

    node: str
    """Empty where none runs."""
    held: tuple[HeldCoin, ...]
    kept: tuple[Verdict, ...]


def quarantine(node: str, endpoint: str = "") -> Quarantine:
    """Of the node at `endpoint`, as `attach` finds it, with the verdicts kept for the nodes named `node` (empty: the
    host's name); without any node these alone. Raises
    NodeUnreachable for a node that is named and not there, or does not answer; StateError, FolderError."""
    kept = tuple(_file(node).read())
    found = _find(endpoint)
    if found is None:
        return Quarantine("", (), kept)
    welcome = _ask(found, Hello())
    assert isinstance(welcome, Welcome), "a Hello is answered with a Welcome"
    names = {each.id: each for each in welcome.intro.instruments}
    facts = {each.instrument_id: each for each in welcome.view.facts}
    held = tuple(_held(row, names, facts) for row in welcome.view.held or () if row.instrument_id in names)
    return Quarantine(welcome.intro.node, held, kept)


def set_verdict(venue: str, symbol: str, said: str, node: str, endpoint: str = "") -> str:
    """Tell a verdict to the node, or write it for those named `node` where none runs; returns what was done. Raises
    UsageError for what is no verdict or not watched by the node, NodeUnreachable, StateError and FolderError."""
    judgement, multiplier = read_judgement(said)
    if venue not in VENUES:
        raise UsageError(f"venue {venue!r}: expected one of {', '.join(VENUES)}")
    symbol = str(parse_symbol(symbol))
    verdict = Verdict(venue, symbol, judgement, multiplier, said=time.strftime("%Y-%m-%d %H:%M", time.gmtime()))
    words = f"{venue} {symbol}: {verdict.in_words}"
    found = _find(endpoint)
    if found is None:
        file = _file(node)
        file.keep(verdict)
        return f"{words}; no node runs here: written to {file.path}, for the next start"
    reply = _ask(found, SetVerdict(venue, symbol, judgement, multiplier))
    if isinstance(reply, Refused):
        raise UsageError(reply.why)
    return f"{words}; in force" + (" from the node's next start" if judgement is Judgement.MULTIPLIER else "")


def _file(node: str) -> VerdictFile:
    return VerdictFile(StateFolder(node or host_name()))


def _find(endpoint: str) -> Endpoints | None:
    try:
        return find_endpoints(endpoint)
    except NodeUnreachable:
        if endpoint:
            raise
        return None


def _ask(endpoints: Endpoints, command: Hello | SetVerdict) -> object:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    client = CommandClient(context, endpoints)
    try:
        return client.ask(command)
    finally:
        client.close()
        context.term()


def _held(row: HeldRow, names: dict[int, Instrument], facts: dict[int, FactsRow]) -> HeldCoin:
    own = _evidence(row.instrument_id, row.price, names, facts)
    peers = tuple(_evidence(i, price, names, facts) for i, price in row.peers if i in names)
    said = "" if row.verdict is None else f"{row.verdict.in_words}, said {row.verdict.said}"
    why = reason_words(row.reason)
    return HeldCoin(own.venue, own.symbol, why, row.ratio, row.currency, own, peers, row.since_ms, said)


def _evidence(i: int, price: float, names: dict[int, Instrument], facts: dict[int, FactsRow]) -> Evidence:
    instrument = names[i]
    coin = facts[i].coin if i in facts else None
    if coin is None:
        return Evidence(instrument.venue, instrument.symbol, price)
    return Evidence(instrument.venue, instrument.symbol, price, coin.name, coin.contract)

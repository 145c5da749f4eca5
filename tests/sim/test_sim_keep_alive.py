"""A client that says what the venue asks for keeps its connection; in the simulation's own time, without a socket."""

from collections.abc import Sequence
from itertools import count

import pytest

from arbsniper_tui.model.instrument import Instrument, Market, parse_symbol
from arbsniper_tui.sim.dialect import Dialect, Frame, Moment, Subscriber
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import DIALECTS, list_instruments
from arbsniper_tui.venues import OPEN_VENUES, VENUES
from arbsniper_tui.venues.base import Parser, Reply, VenueMarket

MINUTES = 5
START = Moment(NS_PER_S, 1_785_121_200 * NS_PER_S)


class Talk:
    """One connection of a venue's adapter to its simulation, as the feed and the server would hold it."""

    def __init__(self, dialect: Dialect, declared: VenueMarket, parser: Parser) -> None:
        self.dialect, self.parser = dialect, parser
        target = declared.ws_path
        told_ns, headers = START.mono_ns, dict(declared.headers)
        self.subscriber = Subscriber(target, START, heard_ns=told_ns, told_ns=told_ns, headers=headers)

    def hear(self, frames: Sequence[Frame], now: Moment) -> None:
        """Take in what the venue sends, and send the replies that the parser asks for."""
        for frame in frames:
            self.subscriber.told_ns = now.mono_ns
            self.parser.feed(frame.encode() if isinstance(frame, str) else frame)
            asides, self.parser.asides = self.parser.asides, []
            for reply in (each for each in asides if isinstance(each, Reply)):
                self.say(reply.text, now, is_upkeep=True)

    def say(self, text: str, now: Moment, *, is_upkeep: bool = False) -> None:
        if is_upkeep:
            assert self.dialect.is_ping(text), f"is_ping({text!r}) is false: a venue that stalls would not take it"
        self.subscriber.heard_ns = now.mono_ns
        self.hear(self.dialect.answer(self.subscriber, text, (), now), now)


@pytest.mark.parametrize(
    ("venue", "market"), [(venue, each.market) for venue in OPEN_VENUES for each in VENUES[venue].markets]
)
def test_a_client_that_says_what_is_asked_for_keeps_its_connection(venue: str, market: Market) -> None:
    adapter, listed = VENUES[venue], list_instruments(SimPlan())
    declared = adapter.market(market)
    assert declared is not None
    walk = MarketWalk(listed, 7, 400.0)
    dialect = DIALECTS[venue](walk.instruments, lambda instrument_id, now: walk.top(instrument_id, now.mono_ns))
    symbol = next(each.symbol for each in listed if (each.venue, each.market) == (venue, market))
    one = Instrument(0, venue, symbol, adapter.venue_symbol(parse_symbol(symbol)), "USDT", 0.1)
    body = dialect.rest(declared.list_path, (), START)
    assert body is not None, f"the simulation does not answer GET {declared.list_path}"
    listings = adapter.parse_listings(body.encode())
    talk = Talk(dialect, declared, adapter.parser(market, {one.venue_symbol: one}.get, listings))
    talk.hear(dialect.greet(talk.subscriber, (), START), START)
    for text in (*declared.opening, *adapter.subscribe([one], START.wall_ms)):
        talk.say(text, START)
    keep_alive, numbers, due_s = declared.keep_alive, count(1), 0.0
    for second in range(1, MINUTES * 60):
        now = Moment(START.mono_ns + second * NS_PER_S, START.wall_ns + second * NS_PER_S)
        if keep_alive is not None and second >= due_s:
            due_s = second + keep_alive.every_s
            talk.say(keep_alive.frame(next(numbers), now.wall_ms), now, is_upkeep=True)
        assert dialect.expired(talk.subscriber, now) is None, f"closed after {second} s"
        talk.hear(dialect.upkeep(talk.subscriber, now), now)

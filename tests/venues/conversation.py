"""A client and a simulated venue that talk without sockets and clocks: the same words in every run."""

from collections.abc import Collection, Iterator, Sequence

from arbsniper_tui.model.instrument import Instrument, Market
from arbsniper_tui.sim.dialect import Frame, Moment, Subscriber
from arbsniper_tui.sim.instruments import SimInstrument
from arbsniper_tui.sim.market import NS_PER_S, MarketWalk, Top
from arbsniper_tui.sim.plan import SimPlan
from arbsniper_tui.sim.registry import DIALECTS, list_instruments
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Reply
from arbsniper_tui.venues.listing import Listing

_BEGUN_NS = 1785121200 * NS_PER_S
"""27 July 2026, as in the frames of the tests."""
_STEP_NS = NS_PER_S // 50
_COINS = 4


class Conversation:
    """One connection to one market of a simulated venue."""

    def __init__(self, venue: str, market: Market) -> None:
        plan = SimPlan()
        listed = list_instruments(plan)
        declared = VENUES[venue].market(market)
        assert declared is not None
        self._adapter, self._declared = VENUES[venue], declared
        self._now = Moment(NS_PER_S, _BEGUN_NS)
        self._walk = MarketWalk(listed, plan.seed, plan.frames_per_s)
        self._dialect = DIALECTS[venue](listed, lambda number, now: self._walk.top(number, now.mono_ns))
        self._subscriber = Subscriber(declared.ws_path, self._now, headers=dict(declared.headers))
        self.instruments = {each.id: each for each in listed if (each.venue, each.market) == (venue, market)}
        self.asked = [
            Instrument(each.id, venue, each.symbol, each.venue_symbol, each.quote, 0.0)
            for each in list(self.instruments.values())[:_COINS]
        ]

    def listings(self) -> dict[str, Listing]:
        """All pages of the list."""
        path = self._declared.list_path
        found: dict[str, Listing] = {}
        while path:
            place, _, query = path.partition("?")
            body = self._dialect.list_body(place, query, ()).encode()
            found |= self._adapter.parse_listings(body)
            path = self._adapter.next_list_path(self._declared.market, body)
        return found

    def begin(self) -> list[bytes]:
        """What the venue says before it is asked, to the frames that begin a connection, and to the replies of the
        venue's parser."""
        parser = self._adapter.parser(self._declared.market, lambda name: None, {})
        frames = [
            *map(_bytes, self._dialect.greet(self._subscriber, (), self._now)),
            *self._say(self._declared.opening),
        ]
        for frame in frames:
            parser.feed(frame)
            frames += self._say([each.text for each in parser.asides if isinstance(each, Reply)])
            parser.asides.clear()
        return frames

    def subscribe(self, refused: Collection[str] = ()) -> list[bytes]:
        """What the venue answers to the subscription of `asked`, when it does not list what is `refused`."""
        return self._say(self._adapter.subscribe(self.asked, self._now.wall_ms), refused)

    def unsubscribe(self) -> list[bytes]:
        return self._say(self._adapter.unsubscribe(self.asked, self._now.wall_ms))

    def _say(self, requests: Sequence[str], refused: Collection[str] = ()) -> list[bytes]:
        frames: list[bytes] = []
        for request in requests:
            frames += map(_bytes, self._dialect.answer(self._subscriber, request, refused, self._now))
        for topic in self._subscriber.topics:
            if topic.channel in self._dialect.channels:
                self._walk.watch(topic.instrument_id, self._now.mono_ns)
        return frames

    def changes(self, count: int) -> Iterator[tuple[SimInstrument, Top, list[bytes]]]:
        """So many changes of what is subscribed, each with the frames that tell of it."""
        assert self._subscriber.topics, "expected a subscription that the venue took, found none"
        while count:
            self._now = Moment(self._now.mono_ns + _STEP_NS, self._now.wall_ns + _STEP_NS)
            for top in self._walk.advance(self._now.mono_ns)[:count]:
                count -= 1
                instrument = self.instruments[top.instrument_id]
                channels = [each.channel for each in self._subscriber.topics if each.instrument_id == instrument.id]
                told = [
                    self._dialect.render(instrument, top, channel, self._now)
                    for channel in channels
                    if channel in self._dialect.channels
                ]
                yield instrument, top, [_bytes(frame) for frame in told if frame]


def _bytes(frame: Frame) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame

"""What is said on /v1/stream, in both directions: one JSON object a message. Times are ms since 1970 by the node's
clock.

docs/stream.md is made from this module.
"""

from enum import IntEnum

from msgspec import Struct

from arbsniper_tui.api.answers import Leg, Price, Route
from arbsniper_tui.model.signal import Event, Signal
from arbsniper_tui.session.health import NodeHealth


class CloseCode(IntEnum):
    """Why the API ends a connection; the reason that goes with it says what was found."""

    SHUTTING_DOWN = 1001
    """The API ends: connect again, and subscribe from the last `seq`."""
    BAD_MESSAGE = 4400
    """A message that is none of those below; a larger one than is read is closed with 1009 instead."""
    NOT_AUTHENTICATED = 4401
    """No token came in time, or it is not valid, or not any more."""
    IDLE = 4408
    """Connected without any subscription for too long."""
    TOO_SLOW = 4413
    """The client did not read what it was sent."""
    TOO_MANY = 4429
    """The caller that the token names has its share of the clients already: close others, or connect again later."""
    NODE_GONE = 4503
    """The node does not answer any more: connect again later."""


class _Wanted(Struct, frozen=True, tag_field="channel", forbid_unknown_fields=True, omit_defaults=True):
    pass


class WantedPrices(_Wanted, frozen=True, tag="prices"):
    """The best bid and ask of instruments."""

    symbol: str | None = None
    """Only this symbol, such as BTC/USDT or BTC-USDT; a perpetual is BTC/USDT:USDT."""
    venue: str | None = None
    """Only this venue, by its id."""


class WantedRoutes(_Wanted, frozen=True, tag="routes"):
    """The 60 largest routes by the basis in force."""

    symbol: str | None = None
    """Only routes of this symbol."""
    venue: str | None = None
    """Only routes with a leg on this venue."""
    min_spread_pct: float | None = None
    """Only routes with at least this gross spread, in percent; one that falls below it is gone."""


class WantedSignals(_Wanted, frozen=True, tag="signals"):
    """Signals as they are announced: openings and updates."""

    symbol: str | None = None
    """Only signals of this symbol."""
    venue: str | None = None
    """Only signals with a leg on this venue."""
    min_spread_pct: float | None = None
    """Only opportunities that reach this gross spread, in percent; from then on, all that is said of them."""


class WantedEvents(_Wanted, frozen=True, tag="events"):
    """The node's events, with their signals; heartbeats are left out. With a symbol or a spread, those of opportunities
    alone; with a venue, also when it goes up or down."""

    symbol: str | None = None
    """Only events of this symbol."""
    venue: str | None = None
    """Only events of this venue."""
    min_spread_pct: float | None = None
    """Only opportunities that reach this gross spread, in percent; from then on, all events of theirs."""


class WantedHealth(_Wanted, frozen=True, tag="health"):
    """How the node and its parts are, each second."""


Wanted = WantedPrices | WantedRoutes | WantedSignals | WantedEvents | WantedHealth


class EventPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """A place among the node's events."""

    run: str
    """The run, as a message of `signals` or `events` told it."""
    seq: int
    """The `seq` of the last message."""


class Authenticate(Struct, frozen=True, tag_field="op", tag="authenticate", forbid_unknown_fields=True):
    """Who the client is. The first message of a connection without the header Authorization, where the API asks for
    tokens; also to show a newer token later. Answered by `welcome`."""

    token: str
    """As it would stand in the header, without the word Bearer."""


class Subscribe(Struct, frozen=True, tag_field="op", tag="subscribe", forbid_unknown_fields=True):
    """Begin to read. Answered by everything that is wanted, then by each change; or by `refused`."""

    to: Wanted
    """What is wanted."""
    after: EventPlace | None = None
    """Of `signals` and `events`: go on behind this place, instead of beginning with what is open."""


class Unsubscribe(Struct, frozen=True, tag_field="op", tag="unsubscribe", forbid_unknown_fields=True):
    """Stop reading. Not answered; a message that is on its way still comes."""

    to: Wanted
    """As it was subscribed to."""


FromClient = Authenticate | Subscribe | Unsubscribe


class Welcome(Struct, frozen=True, tag_field="type", tag="welcome"):
    """The client may subscribe now."""

    caller: str
    """Whom the API takes it for."""
    role: str
    """`viewer`, `operator` or `admin`."""
    node: str
    """The node's name."""
    run: str
    """The run of the node: another one with each start."""
    version: str
    """Of the program."""
    time: float
    """The node's clock."""


class Refused(Struct, frozen=True, tag_field="type", tag="refused"):
    """A subscription that cannot be had, while the connection stays."""

    of: Wanted
    """What was asked for."""
    status: int
    """As an HTTP path would answer it."""
    detail: str
    """What was expected, what was found, and what to do."""


class _StateChange(Struct, frozen=True, tag_field="type"):
    of: Wanted
    """The subscription."""
    number: int
    """Counts the changes of single rows of this subscription; each message tells a larger one than the one before."""
    missed: int
    """Changes that newer ones of the same row have replaced before they could be sent, since the message before."""
    is_snapshot: bool
    """True where everything begins anew: drop what you hold."""
    has_more: bool
    """True where the next message goes on at once, as the first ones of a large snapshot do."""
    time: float
    """The node's clock when the newest state came."""


class PricesChange(_StateChange, frozen=True, tag="prices"):
    """Prices that have changed; in the first message, all of them."""

    prices: list[Price]
    """Each replaces the one of the same venue and symbol."""
    gone: list[Leg]
    """What the node watches no more."""


class RoutesChange(_StateChange, frozen=True, tag="routes"):
    """Routes that have changed; in the first message, all of them."""

    routes: list[Route]
    """Each replaces the one of the same id."""
    gone: list[str]
    """The ids of those that are not among the largest any more, or not wanted."""


class HealthChange(_StateChange, frozen=True, tag="health"):
    """How the node is."""

    health: list[NodeHealth]
    """One tree, of docs/status.md."""


class _EventChange(Struct, frozen=True, tag_field="type"):
    of: Wanted
    """The subscription."""
    run: str
    """The run of the node; another one begins at `seq` 1."""
    seq: int
    """The number of the last event that the API had read: all that is wanted up to it has been sent, or is counted in
    `missed`. Together with `run` the place to go on at."""
    missed: int
    """Messages of this subscription that were dropped before this client, or the API, could read them."""
    is_snapshot: bool
    """True where it begins with what is open now, the newest word on each opportunity: drop what you hold."""
    left_out: int
    """Of a snapshot: how many more are open, the older ones."""
    not_resumed: str
    """Why it begins anew although a place was named, in words; else empty."""
    has_more: bool
    """True where the next message goes on at once."""
    time: float
    """The node's clock when the newest state came."""


class SignalsChange(_EventChange, frozen=True, tag="signals"):
    """Signals, oldest first."""

    signals: list[Signal]
    """As docs/signals.md has them."""


class EventsChange(_EventChange, frozen=True, tag="events"):
    """Events, oldest first."""

    events: list[Event]
    """As docs/signals.md has them."""


FromApi = Welcome | Refused | PricesChange | RoutesChange | SignalsChange | EventsChange | HealthChange

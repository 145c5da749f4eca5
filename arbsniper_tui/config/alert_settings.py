"""The settings of alerts: which rules there are, and where their alerts go. Declared as in settings.py."""

from typing import Annotated

from msgspec import Meta, Struct

from arbsniper_tui.config.kinds import (
    AlertName,
    AlertTarget,
    QuietHours,
    RouteKind,
    ServiceUrl,
    Symbols,
    VenueId,
    WebhookUrl,
)

BELL, DESKTOP = "bell", "desktop"
TERMINAL_WAYS = (BELL, DESKTOP)


class AlertRule(Struct, frozen=True):
    """One rule. What it is about follows from its keys: `venue_down_s` a venue, `funding_above_pct` funding,
    `price_above` and `price_below` prices, `min_survival_pct` spreads that lasted, any other an opportunity."""

    symbols: Annotated[Symbols, Meta(examples=[["BTC/USDT", "ETH/*"]], extra={"may_be_empty": True})] = ()
    """The symbols or patterns that it is about; left out: all. Of a route that of either leg counts. A rule on prices
    needs them."""
    venues: Annotated[
        tuple[VenueId, ...], Meta(title='a list of venues, as in ["okx"]', examples=[["okx", "kraken"]])
    ] = ()
    """The venues that it is about; left out: all. Of a route either leg counts."""
    kinds: Annotated[tuple[RouteKind, ...], Meta(examples=[["spot-spot"]])] = ()
    """The kinds of routes; left out: all."""
    min_net_spread_pct: Annotated[float, Meta(examples=[0.3])] | None = None
    """Tells once of each opportunity whose net spread is at least this, when it opens or when it grows to it."""
    min_zscore: Annotated[float, Meta(examples=[3.0])] | None = None
    """The same for how far the spread is from what is usual on the route, in standard deviations."""
    min_survival_pct: Annotated[float, Meta(examples=[0.2])] | None = None
    """Tells of an opportunity when it is over, if the gross spread of its route was at least this 50, 200, 500 and
    2000 ms after it opened."""
    price_above: Annotated[float, Meta(gt=0, examples=[100000.0])] | None = None
    """Tells when a venue's bid is at or above this, in the currency of the symbol."""
    price_below: Annotated[float, Meta(gt=0, examples=[50000.0])] | None = None
    """Tells when a venue's ask is at or below this."""
    funding_above_pct: Annotated[float, Meta(examples=[0.05])] | None = None
    """Tells when a perpetual's funding rate for one interval is at or above this many percent."""
    venue_down_s: Annotated[float, Meta(gt=0, examples=[30.0])] | None = None
    """Tells when a venue's connection has been down for this many seconds."""
    to: Annotated[
        tuple[AlertTarget, ...],
        Meta(title='a list of "bell", "desktop" and names of targets, as in ["bell", "phone"]'),
    ] = TERMINAL_WAYS
    """Where its alerts go. "bell" and "desktop" reach every terminal UI that is open on the node: its bell, and a
    notification that the terminal shows."""
    cooldown_s: Annotated[float, Meta(ge=0)] = 60.0
    """Seconds between two alerts of this rule about the same route, symbol, perpetual or venue."""
    muted: bool = False
    """It tells nothing while this is true."""


class AlertTargetSettings(Struct, frozen=True):
    """One place that alerts go to: a `url`, or a `webhook` with its secret."""

    url: Annotated[ServiceUrl, Meta(examples=["tgram://TOKEN/CHAT"])] | None = None
    """A mailbox, a chat, a phone: what the library apprise reaches. It is part of the extra `alerts`."""
    webhook: Annotated[WebhookUrl, Meta(examples=["https://example.org/arbitrage"])] | None = None
    """Gets each alert as a POST of signed JSON (docs/alerts.md), again and again until it answers with success."""
    secret: Annotated[str, Meta(examples=["from-the-environment-is-better"])] | None = None
    """What the POST is signed with; best given in the environment."""
    secret_file: Annotated[str, Meta(examples=["/run/secrets/arbitrage"])] | None = None
    """A file that holds the secret, in place of `secret`."""


class AlertSettings(Struct, frozen=True):
    """What you are told of while you look elsewhere: docs/alerts.md shows rules by example."""

    quiet_hours: QuietHours = ""
    """Times of day, by this machine's clock, in which nothing is sent; one digest follows at their end."""
    digest_over_per_minute: Annotated[int, Meta(ge=1)] = 10
    """When a target had this many alerts within a minute, further ones are gathered for a minute and sent as one."""
    rules: dict[AlertName, AlertRule] = {}
    """What to tell, each rule by a name of yours."""
    targets: dict[AlertName, AlertTargetSettings] = {}
    """Where to tell it, beside the terminal, each target by a name of yours."""

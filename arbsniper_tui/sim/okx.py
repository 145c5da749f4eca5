"""OKX's wire, version 5: `bbo-tbt` for spot and swaps on one connection, and the `instruments` lists."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
    Closing,
    Dialect,
    Flaw,
    Moment,
    Shown,
    Subscriber,
    Topic,
    damaged,
    flawed,
    json_text,
    shown_in_full,
)
from arbsniper_tui.sim.listing import Listing
from arbsniper_tui.sim.market import NS_PER_S, Top

BBO = "bbo-tbt"
_STREAM = "/ws/v5/public"
_LIST = "/api/v5/public/instruments"
_SILENCE_NS = 30 * NS_PER_S


class _Arg(Struct):
    channel: str
    instId: str = ""  # noqa: N815 - the wire's name


class _Request(Struct):
    op: str
    args: list[_Arg]
    id: str | None = None


class Okx(Dialect):
    """Everything is a string; sizes of swaps are contracts."""

    venue: ClassVar[str] = "okx"
    channels: ClassVar[tuple[str, ...]] = (BBO,)

    def __init__(self, listings: Sequence[Listing], top: Callable[[int, Moment], Top]) -> None:
        super().__init__(listings, top)
        self._by_symbol = {listing.venue_symbol: listing for listing in self.listings}

    def rest(self, target: str, halted: Collection[str], now: Moment) -> str | None:
        path, _, query = target.partition("?")
        if path != _LIST:
            return None
        kind = parse_qs(query).get("instType", [""])[0]
        if kind not in ("SPOT", "SWAP"):
            return json_text({"code": "51000", "data": [], "msg": "Parameter instType error"})
        market = Market.SPOT if kind == "SPOT" else Market.PERP
        rows = [_row(each, kind, each.venue_symbol in halted) for each in self.listings if each.market is market]
        return json_text({"code": "0", "data": rows, "msg": ""})

    def maintenance(self, target: str, now: Moment) -> str | None:
        if target.partition("?")[0] != _LIST:
            return None
        return json_text(
            {"code": "50001", "data": [], "msg": "Service temporarily unavailable, please try again later"}
        )

    def is_stream(self, target: str) -> bool:
        return target.partition("?")[0] == _STREAM

    def is_ping(self, request: str) -> bool:
        return request == "ping"

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> list[str]:
        if request == "ping":
            return ["pong"]
        connection = f"{subscriber.opened.wall_ns & 0xFFFFFFFF:08x}"
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError:
            return [_error("60012", f"Illegal request: {request}", None, connection)]
        if wanted.op not in ("subscribe", "unsubscribe"):
            return [_error("60012", f"Illegal request: {request}", wanted.id, connection)]
        frames: list[str] = []
        for arg in wanted.args:
            listing = self._by_symbol.get(arg.instId)
            if listing is None or arg.channel != BBO or arg.instId in refused:
                reason = f"channel:{arg.channel},instId:{arg.instId} doesn't exist"
                frames.append(_error("60018", reason, wanted.id, connection))
                continue
            ack: dict[str, object] = {"event": wanted.op, "arg": arg, "connId": connection}
            frames.append(json_text(_named(ack, wanted.id)))
            topic = Topic(listing.id, BBO)
            if wanted.op == "subscribe":
                subscriber.topics[topic] = None
                frames.append(self.render(listing, self._top(listing.id, now), BBO, now))
            else:
                subscriber.topics.pop(topic, None)
        return frames

    def is_state(self, frame: str) -> bool:
        return frame.startswith('{"arg"')

    def render(self, listing: Listing, top: Top, channel: str, now: Moment) -> str:
        return _frame(listing, _shown(listing, top), top.serial, now)

    def spoil(self, listing: Listing, top: Top, channel: str, flaw: Flaw, now: Moment) -> list[str]:
        frame = _frame(listing, flawed(_shown(listing, top), flaw), top.serial, now)
        return [damaged(frame, flaw, top.serial)]

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        if now.mono_ns - max(subscriber.heard_ns, subscriber.told_ns) > _SILENCE_NS:
            return Closing(4004, "No data received in 30s.")
        return None


def _shown(listing: Listing, top: Top) -> Shown:
    return Shown(*map(_trimmed, shown_in_full(listing, top)))


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _frame(listing: Listing, shown: Shown, serial: int, now: Moment) -> str:
    orders = 1 + serial % 17
    return (
        f'{{"arg":{{"channel":"{BBO}","instId":"{listing.venue_symbol}"}},"data":[{{'
        f'"asks":[["{shown.ask}","{shown.ask_size}","0","{orders}"]],'
        f'"bids":[["{shown.bid}","{shown.bid_size}","0","{orders}"]],'
        f'"ts":"{now.wall_ms}","seqId":{serial}}}]}}'
    )


def _named(frame: dict[str, object], request_id: str | None) -> dict[str, object]:
    return frame if request_id is None else {"id": request_id, **frame}


def _error(code: str, reason: str, request_id: str | None, connection: str) -> str:
    error: dict[str, object] = {"event": "error", "code": code, "msg": reason, "connId": connection}
    return json_text(_named(error, request_id))


def _row(listing: Listing, kind: str, is_halted: bool) -> dict[str, Any]:
    is_swap = listing.market is Market.PERP
    pair = f"{listing.base}-{listing.quote}"
    settle = listing.base if listing.inverse else listing.quote
    return {
        "instType": kind,
        "instId": listing.venue_symbol,
        "instIdCode": 10_000 + listing.id,
        "uly": pair if is_swap else "",
        "instFamily": pair if is_swap else "",
        "baseCcy": "" if is_swap else listing.base,
        "quoteCcy": "" if is_swap else listing.quote,
        "settleCcy": settle if is_swap else "",
        "ctVal": f"{listing.contract:.10g}" if is_swap else "",
        "ctMult": "1" if is_swap else "",
        "ctValCcy": ("USD" if listing.inverse else listing.base) if is_swap else "",
        "ctType": ("inverse" if listing.inverse else "linear") if is_swap else "",
        "tickSz": listing.tick_text,
        "lotSz": listing.lot_text,
        "minSz": listing.lot_text,
        "lever": "100" if is_swap else "10",
        "alias": "",
        "listTime": "1548133413000",
        "expTime": "",
        "ruleType": "normal",
        "state": "suspend" if is_halted else "live",
    }

"""OKX's wire, version 5: `bbo-tbt` for spot and swaps on one connection, and the `instruments` lists."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from arbsniper_tui.model.instrument import Market
from arbsniper_tui.sim.dialect import (
    Closing,
    Frame,
    Moment,
    Shown,
    Subscriber,
    TopDialect,
    Topic,
    json_text,
    shown_in_full,
)
from arbsniper_tui.sim.instruments import SimInstrument, contract_coins, inverse, linear, spot
from arbsniper_tui.sim.market import NS_PER_S, Top
from arbsniper_tui.sim.slow_facts import SlowFacts

BBO = "bbo-tbt"
FUNDING, MARK, INDEX, INTEREST = "funding-rate", "mark-price", "index-tickers", "open-interest"
_HOUR_MS = 3_600_000
_LISTED_MS = "1611907686000"
_SILENCE_NS = 30 * NS_PER_S


class _Arg(Struct):
    channel: str
    instId: str = ""  # noqa: N815 - the wire's name


class _Request(Struct):
    op: str
    args: list[_Arg]
    id: str | None = None


class Okx(TopDialect):
    """Everything is a string; sizes of swaps are contracts."""

    venue: ClassVar[str] = "okx"
    channels: ClassVar[tuple[str, ...]] = (BBO,)
    fact_channels: ClassVar[tuple[str, ...]] = (FUNDING, MARK, INDEX, INTEREST)
    stream_path: ClassVar[str] = "/ws/v5/public"
    list_paths: ClassVar[tuple[str, ...]] = ("/api/v5/public/instruments",)
    state_prefix: ClassVar[str] = '{"arg"'
    weight: ClassVar[float] = 1.4
    usual_spread: ClassVar[float] = 0.05e-4

    @classmethod
    def lists(cls, bases: Sequence[str]) -> Iterable[SimInstrument]:
        for base in bases:
            yield spot(base, "USDT", f"{base}-USDT", least_digits=1)
        for base in bases:
            yield linear(base, f"{base}-USDT-SWAP", size_digits=2, contract=contract_coins(base))
        if "BTC" in bases:
            yield inverse("BTC", "BTC-USD-SWAP", contract=100.0)

    def list_body(self, path: str, query: str, halted: Collection[str]) -> str:
        kind = parse_qs(query).get("instType", [""])[0]
        if kind not in ("SPOT", "SWAP"):
            return json_text({"code": "51000", "data": [], "msg": "Parameter instType error"})
        market = Market.SPOT if kind == "SPOT" else Market.PERP
        rows = [_row(each, kind, each.venue_symbol in halted) for each in self.instruments if each.market is market]
        return json_text({"code": "0", "data": rows, "msg": ""})

    def closed_body(self, path: str) -> str:
        return json_text(
            {"code": "50001", "data": [], "msg": "Service temporarily unavailable, please try again later"}
        )

    def is_ping(self, request: str) -> bool:
        return request == "ping"

    def answer(self, subscriber: Subscriber, request: str, refused: Collection[str], now: Moment) -> Sequence[Frame]:
        if request == "ping":
            return ["pong"]
        connection = f"{subscriber.opened.wall_ns & 0xFFFFFFFF:08x}"
        try:
            wanted = msgspec.json.decode(request, type=_Request)
        except msgspec.DecodeError:
            return [_error("60012", f"Illegal request: {request}", None, connection)]
        if wanted.op not in ("subscribe", "unsubscribe"):
            return [_error("60012", f"Illegal request: {request}", wanted.id, connection)]
        frames: list[Frame] = []
        for arg in wanted.args:
            # The index of BTC-USDT-SWAP is called BTC-USDT.
            instrument = self._by_symbol.get(arg.instId + "-SWAP" if arg.channel == INDEX else arg.instId)
            is_known = arg.channel == BBO or arg.channel in self.fact_channels
            if instrument is None or not is_known or arg.instId in refused:
                reason = f"channel:{arg.channel},instId:{arg.instId} doesn't exist"
                frames.append(_error("60018", reason, wanted.id, connection))
                continue
            ack: dict[str, object] = {"event": wanted.op, "arg": arg, "connId": connection}
            frames.append(json_text(_named(ack, wanted.id)))
            topic = Topic(instrument.id, arg.channel)
            if wanted.op == "subscribe":
                subscriber.topics[topic] = None
                if arg.channel == BBO:
                    frames.append(self.render(instrument, self._top(instrument.id, now), BBO, now))
                else:
                    frames.append(self.render_facts(instrument, self.facts(instrument, now), arg.channel, now))
            else:
                subscriber.topics.pop(topic, None)
        return frames

    def shown(self, instrument: SimInstrument, top: Top) -> Shown:
        return Shown(*map(_trimmed, shown_in_full(instrument, top)))

    def frame(self, instrument: SimInstrument, shown: Shown, serial: int, channel: str, now: Moment) -> str:
        orders = 1 + serial % 17
        return (
            f'{{"arg":{{"channel":"{BBO}","instId":"{instrument.venue_symbol}"}},"data":[{{'
            f'"asks":[["{shown.ask}","{shown.ask_size}","0","{orders}"]],'
            f'"bids":[["{shown.bid}","{shown.bid_size}","0","{orders}"]],'
            f'"ts":"{now.wall_ms}","seqId":{serial}}}]}}'
        )

    def render_facts(self, instrument: SimInstrument, facts: SlowFacts, channel: str, now: Moment) -> str:
        name = instrument.venue_symbol.removesuffix("-SWAP") if channel == INDEX else instrument.venue_symbol
        said: dict[str, str] = {"instId": name, "ts": str(now.wall_ms)}
        if channel == FUNDING:
            after_ms = facts.next_funding_ms + facts.interval_h * _HOUR_MS
            said |= {"fundingRate": f"{facts.funding_rate:.8f}", "fundingTime": str(facts.next_funding_ms)}
            said |= {"nextFundingRate": "", "nextFundingTime": str(after_ms), "method": "current_period"}
        elif channel == MARK:
            said |= {"instType": "SWAP", "markPx": f"{facts.mark_price:.8f}"}
        elif channel == INDEX:
            said |= {"idxPx": f"{facts.index_price:.8f}"}
        else:
            contracts = facts.open_interest / (instrument.contract / (facts.mark_price if instrument.inverse else 1.0))
            said |= {"instType": "SWAP", "oi": f"{contracts:.2f}", "oiCcy": f"{facts.open_interest:.4f}"}
        return json_text({"arg": {"channel": channel, "instId": name}, "data": [said]})

    def expired(self, subscriber: Subscriber, now: Moment) -> Closing | None:
        if now.mono_ns - max(subscriber.heard_ns, subscriber.told_ns) > _SILENCE_NS:
            return Closing(4004, "No data received in 30s.")
        return None


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _named(frame: dict[str, object], request_id: str | None) -> dict[str, object]:
    return frame if request_id is None else {"id": request_id, **frame}


def _error(code: str, reason: str, request_id: str | None, connection: str) -> str:
    error: dict[str, object] = {"event": "error", "code": code, "msg": reason, "connId": connection}
    return json_text(_named(error, request_id))


def _row(instrument: SimInstrument, kind: str, is_halted: bool) -> dict[str, Any]:
    is_swap = instrument.market is Market.PERP
    pair = f"{instrument.base}-{instrument.quote}"
    settle = instrument.base if instrument.inverse else instrument.quote
    return {
        "instType": kind,
        "instId": instrument.venue_symbol,
        "uly": pair if is_swap else "",
        "instFamily": pair if is_swap else "",
        "baseCcy": "" if is_swap else instrument.base,
        "quoteCcy": "" if is_swap else instrument.quote,
        "settleCcy": settle if is_swap else "",
        "ctVal": f"{instrument.contract:.10g}" if is_swap else "",
        "ctMult": "1" if is_swap else "",
        "ctValCcy": ("USD" if instrument.inverse else instrument.base) if is_swap else "",
        "ctType": ("inverse" if instrument.inverse else "linear") if is_swap else "",
        "tickSz": instrument.tick_text,
        "lotSz": instrument.lot_text,
        "minSz": instrument.lot_text,
        "listTime": _LISTED_MS,
        "state": "suspend" if is_halted else "live",
    }

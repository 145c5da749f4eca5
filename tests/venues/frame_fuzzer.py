"""Frames damaged in every way that a wire or a hostile venue could damage them, and what a parser may not do then.

The tests run some with a fixed seed; `make fuzz` runs 100,000 a venue. The same seed damages the same frames alike.
"""

import argparse
import gc
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from random import Random
from types import FunctionType, ModuleType
from typing import Any

from conversation import Conversation
from venue_frames import FRAMES, MARKETS, frames, listing

from arbsniper_tui.feeds.quote_filter import QuoteFilter
from arbsniper_tui.feeds.venue_reader import Told, VenueReader
from arbsniper_tui.model.clean_text import clean_text
from arbsniper_tui.model.errors import BookLost, FrameError, VenueRejected
from arbsniper_tui.model.fact import Fact, InstrumentStatus
from arbsniper_tui.model.instrument import Market
from arbsniper_tui.model.quote import Quote, Withdrawal, defect
from arbsniper_tui.model.reason import reason_words
from arbsniper_tui.sim.registry import DIALECTS
from arbsniper_tui.venues import VENUES
from arbsniper_tui.venues.base import Ready, Reply, SymbolsByRule
from arbsniper_tui.venues.listing import Listing
from arbsniper_tui.wire.messages import Facts, QuoteBatch, decode_from_feed, encode

SHORT, LONG = 2_000, 100_000
"""Frames of one venue that are damaged, by the tests and by `make fuzz`."""
MOST_HELD_BYTES = 1 << 20
"""What the reader of one connection may hold after any number of damaged frames of a few instruments."""
MOST_GROWTH = 10_000
"""Objects by which the process may grow over the second half of a run, its caches and books among them."""
_AGAIN = "\0again"
"""Ends a key that comes twice in its object."""
_GOOD_EVERY = 40
_BODY_EVERY = 25

NUMBERS = (
    *("0", "-1", "-0.0", "1e-400", "1e308", "1e999", "-1e999", "NaN", "Infinity", "0x10", "1_0", "01", "+1", ".5"),
    *(str(2**31), str(2**53 + 1), str(2**63), str(-(2**63) - 1), str(2**64), "9" * 400, "0." + "0" * 400 + "1"),
)
TEXTS = (
    *("", " ", "nan", "inf", "-inf", "1e999", "1_0", " 1 ", "0x10", "٣", "1,5", "true", "null", "yesterday"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00", "2026-02-30T00:00:00Z"),
    *("\x00", "\x1b[2J\x1b]0;mine\x07", "\r\n2026-11-20 INFO forged", "BTC\u202eUSD", "BTC\u200b", "\x9b31m", "\ud800"),
    *("B" * 200, "B" * 20_000, "/", "-", ":", "ß", "{}", "[", '"', "\\"),
)
HOSTILE = tuple(text for text in TEXTS if not text.isprintable())


class Raw(str):
    """A part of JSON that is written as it is."""


class Packed(list[Any]):
    """JSON in a text of JSON, as the only element; empty for an empty text."""


Place = tuple[Any, Any]
"""A list or a dictionary, and the key of one value in it."""


class Damage:
    """Makes damaged frames of good ones, without end."""

    def __init__(self, good: Sequence[bytes], names: Sequence[str], seed: str) -> None:
        """`names` are symbols of the frames, as the venue spells them."""
        self._rng = Random(seed)
        self._good = good
        self._names = [name.encode() for name in names]
        self._of_bytes = (self._cut, self._change_bytes, self._splice, self._repeat, self._noise, self._rename)
        self._of_json = (self._reorder, self._replace, self._unquote, self._remove, self._add, self._nest)

    def frame(self) -> bytes:
        """The next one."""
        frame = self._rng.choice(self._good)
        for _ in range(self._rng.choice((1, 1, 1, 2, 3))):
            parts = opened(frame) if self._rng.random() < 0.7 else None
            if parts is None:
                frame = self._rng.choice(self._of_bytes)(frame)
            else:
                head, root = parts
                node, key = self._rng.choice(list(places(root)))
                self._rng.choice(self._of_json)(node, key)
                frame = head + closed(root, is_ascii=self._rng.random() < 0.5)
        return frame

    def renamed(self) -> bytes:
        """A good frame about instruments that nobody watches."""
        return self._rename(self._rng.choice(self._good))

    def _cut(self, frame: bytes) -> bytes:
        at = self._rng.randint(0, len(frame))
        return frame[at:] if self._rng.random() < 0.2 else frame[:at]

    def _change_bytes(self, frame: bytes) -> bytes:
        changed = bytearray(frame)
        for _ in range(self._rng.randint(1, 4)):
            at = self._rng.randint(0, len(changed))
            choices = (
                self._rng.randbytes(self._rng.randint(0, 3)),
                b"\xff" * self._rng.randint(1, 10),
                b"\xed\xa0\x80",
            )
            changed[at : at + self._rng.randint(0, 3)] = self._rng.choice(choices)
        return bytes(changed)

    def _splice(self, frame: bytes) -> bytes:
        other = self._rng.choice(self._good)
        return frame[: self._rng.randint(0, len(frame))] + other[self._rng.randint(0, len(other)) :]

    def _repeat(self, frame: bytes) -> bytes:
        start = self._rng.randint(0, len(frame))
        piece = frame[start : start + self._rng.randint(1, 40)]
        return frame[:start] + piece * self._rng.choice((2, 3, 50)) + frame[start:]

    def _noise(self, frame: bytes) -> bytes:
        return self._rng.randbytes(self._rng.randint(0, 80))

    def _rename(self, frame: bytes) -> bytes:
        # Of the same length, so that a frame that tells the lengths of its texts stays readable.
        for name in self._names:
            other = bytes(self._rng.choice(b"QWZJKVY") if byte in b"BTCEHbtceh" else byte for byte in name)
            frame = frame.replace(name, other).replace(name.lower(), other.lower())
        return frame

    def _reorder(self, node: Any, key: Any) -> None:
        if isinstance(node, dict):
            items = self._rng.sample(list(node.items()), len(node))
            node.clear()
            node.update(items)
        else:
            self._rng.shuffle(node)

    def _replace(self, node: Any, key: Any) -> None:
        node[key] = self._value(node[key])

    def _unquote(self, node: Any, key: Any) -> None:
        """A number as a text, a text as a number."""
        value = node[key]
        node[key] = Raw(value) if isinstance(value, str) and value else str(value)

    def _nest(self, node: Any, key: Any) -> None:
        depth = self._rng.choice((3, 100, 900, 5000, 60_000) if self._rng.random() < 0.2 else (3, 100, 900))
        begin, end = self._rng.choice((("[", "]"), ('{"a":', "}")))
        node[key] = Raw(begin * depth + "1" + (end * depth if self._rng.random() < 0.5 else ""))

    def _remove(self, node: Any, key: Any) -> None:
        del node[key]

    def _add(self, node: Any, key: Any) -> None:
        """A key that is there already with another value, one that nobody knows, or an element more."""
        value = self._value(node[key])
        if isinstance(node, dict):
            node[self._rng.choice((f"{key}{_AGAIN}", "unheard", self._rng.choice(HOSTILE)))] = value
        else:
            node.append(value)

    def _value(self, node: Any) -> Any:
        rng = self._rng
        if isinstance(node, str) and rng.random() < 0.4:
            at = rng.randint(0, len(node))
            return node[:at] + rng.choice(HOSTILE) + node[at:]
        kind = rng.randrange(6)
        if kind == 0:
            return rng.choice((None, True, False, [], {}, [[]], [{}], {"": ""}))
        if kind == 1:
            return rng.choice(TEXTS)
        if kind == 2:
            return rng.choice(NUMBERS)
        if kind == 3:
            return [node] * rng.choice((1, 2, 30))
        return Raw(rng.choice(NUMBERS))


def opened(frame: bytes) -> tuple[bytes, list[Any]] | None:
    """What stands before the JSON of a frame, and a list with the JSON; None for a frame without."""
    start = min((at for at in (frame.find(b"{"), frame.find(b"[")) if at >= 0), default=-1)
    if start < 0 or len(frame) > 50_000:
        return None
    try:
        return frame[:start], [_unpacked(json.loads(frame[start:]))]
    except (ValueError, RecursionError):
        return None


def _unpacked(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _unpacked(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_unpacked(value) for value in node]
    if isinstance(node, str) and node[:1] in ("{", "["):
        try:
            return Packed([_unpacked(json.loads(node))])
        except (ValueError, RecursionError):
            return node
    return node


def closed(root: list[Any], *, is_ascii: bool) -> bytes:
    """The bytes of what `opened` took apart."""
    return "".join(_written(node, is_ascii) for node in root).encode("utf-8", "surrogatepass")


def _written(node: Any, is_ascii: bool) -> str:
    if isinstance(node, Raw):
        return node
    if isinstance(node, Packed):
        return json.dumps("".join(_written(inner, is_ascii) for inner in node), ensure_ascii=is_ascii)
    if isinstance(node, dict):
        keys = [json.dumps(key.removesuffix(_AGAIN), ensure_ascii=is_ascii) for key in node]
        values = [_written(value, is_ascii) for value in node.values()]
        return "{" + ",".join(f"{key}:{value}" for key, value in zip(keys, values, strict=True)) + "}"
    if isinstance(node, list):
        return "[" + ",".join(_written(value, is_ascii) for value in node) + "]"
    return json.dumps(node, ensure_ascii=is_ascii)


def places(node: Any) -> Iterator[Place]:
    """Every value in a list or dictionary, by where it stands."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in tuple(pairs):
        yield node, key
        yield from places(value)


class Wire:
    """What reads the frames of one market: as a feed does, with instruments that are watched, and as `decode` does,
    which takes every name that could be a symbol's."""

    def __init__(self, venue: str, market: Market) -> None:
        self.venue, self.market = venue, market
        self._adapter = VENUES[venue]
        self._listed = listing(venue, market)
        self._quoting = frames(venue, market)
        self.good = [*self._quoting, *frames(venue, market, "other"), *answers(venue, market)]
        self.bodies = [file.read_bytes() for file in sorted((FRAMES / venue).glob("*.json"))]
        self._told: list[Told] = []
        self._begin_decoding()
        watched = dict(self._by_rule.by_symbol)
        self._find = watched.get
        self.names = list(watched)
        parser = self._adapter.parser(market, self._find, self._listed)
        scaled = dict(self._by_rule.multipliers)
        self.live = VenueReader(parser, watched, self._told.append, QuoteFilter(Counter()), multipliers=scaled)

    def _begin_decoding(self) -> None:
        by_rule = self._by_rule = SymbolsByRule(self._adapter, self.market)
        parser = self._adapter.parser(self.market, by_rule.find, self._listed)
        self._decoding = VenueReader(parser, by_rule.by_symbol, self._told.append, multipliers=by_rule.multipliers)
        self._decoding.read(self._quoting)

    def mend(self) -> None:
        """Bring the state of the live reader back to what the good frames leave, as a new subscription would, and
        begin another tape."""
        for frame in self._quoting:
            self.live.read((frame,))
        self._begin_decoding()
        self._told.clear()

    def feed(self, frame: bytes, counts: Counter[str]) -> None:
        """Give a frame to both readers. AssertionError: something left them that may not."""
        for reader in (self.live, self._decoding):
            quotes = reader.read((frame,))
            _check_quotes(quotes, is_filtered=reader is self.live)
            for told in self._told:
                _check_words(told)
                counts[type(told).__name__] += 1
            counts["Quote"] += len(quotes)
            self._told.clear()
        assert all(_is_fit(each.symbol) and _is_fit(each.venue_symbol) for each in self._by_rule.all)

    def read_body(self, body: bytes) -> None:
        """Give a REST answer to everything that reads such. AssertionError as in `feed`."""
        adapter, market = self._adapter, self.market
        readers: tuple[Callable[[], object], ...] = (
            lambda: _check_list(adapter.parse_listings(body)),
            lambda: adapter.next_list_path(market, body),
            lambda: _check_quotes(adapter.parse_seeds(body, self._find), is_filtered=False),
            lambda: _check_facts(tuple(adapter.parse_facts(body, self._find, self._listed))),
            lambda: adapter.parse_endpoint(body),
        )
        for read in readers:
            try:
                read()
            except FrameError as error:
                _check_words(error)


def answers(venue: str, market: Market) -> list[bytes]:
    """What the simulated venue answers to subscriptions, one of them refused: refusals stand in no file of frames."""
    if venue not in DIALECTS:
        return []
    conversation = Conversation(venue, market)
    refused = [each.venue_symbol for each in conversation.asked[:1]]
    return [*conversation.begin(), *conversation.subscribe(refused)]


def _is_fit(text: str) -> bool:
    """Whether a text may stand on a screen or in a log."""
    return clean_text(text, len(text)) == text


def _check_list(listed: Mapping[str, Listing]) -> None:
    for name, each in listed.items():
        assert _is_fit(name), f"a name in the list: {name!r}"
        assert _is_fit(reason_words(each.fault)), f"why {name} takes no part: {each!r}"


def _check_quotes(quotes: Sequence[Quote], *, is_filtered: bool) -> None:
    crossed = decode_from_feed(encode(QuoteBatch(1, 2, list(quotes))))
    assert isinstance(crossed, QuoteBatch) and len(crossed.quotes) == len(quotes), "quotes that the bus cannot carry"
    for quote in quotes:
        if not defect(quote):
            assert quote.bid <= quote.ask and isfinite(quote.bid_size + quote.ask_size)
        else:
            assert not is_filtered, f"passed by the filter: {quote}"


def _check_words(told: Told) -> None:
    if isinstance(told, FrameError):
        texts = [str(told)]
        if isinstance(told, BookLost | VenueRejected):
            texts += [told.venue_symbol, told.reason]
        assert all(map(_is_fit, texts)), f"{type(told).__name__}: {texts!r}"
    elif isinstance(told, Withdrawal):
        assert _is_fit(reason_words(told.reason))
    elif isinstance(told, Reply):
        told.text.encode()
    elif not isinstance(told, Ready):
        _check_facts((told,))


def _check_facts(facts: Sequence[Fact]) -> None:
    decode_from_feed(encode(Facts(1, tuple(facts))))
    for fact in facts:
        if isinstance(fact, InstrumentStatus):
            assert _is_fit(fact.words), f"words of a status: {fact.words!r}"


def held_bytes(root: object) -> int:
    """The memory of all that can be reached from this object, without code and what belongs to classes."""
    sizes: dict[int, int] = {}
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) not in sizes and not isinstance(each, type | ModuleType | FunctionType | Wire):
            sizes[id(each)] = sys.getsizeof(each)
            waiting += gc.get_referents(each)
    return sum(sizes.values())


def allocated_blocks() -> int:
    """Pieces of memory that Python holds for small objects."""
    gc.collect()
    return sys.getallocatedblocks()


def fuzz(wire: Wire, count: int, seed: str, say: Callable[[int], None] = lambda done: None) -> Counter[str]:
    """Feed `count` damaged frames. Returns how often what came of them. AssertionError with the frame at fault."""
    where = f"{wire.venue} {wire.market}"
    damage = Damage(wire.good, wire.names, f"{seed} {where}")
    bodies = Damage(wire.bodies, wire.names, f"{seed} {where} bodies")
    counts: Counter[str] = Counter()
    blocks = 0
    for number in range(count):
        if number % _GOOD_EVERY == 0:
            wire.mend()
        if number == count // 2 // _GOOD_EVERY * _GOOD_EVERY:
            blocks = allocated_blocks()
        body = bodies.frame() if number % _BODY_EVERY == 0 else b""
        frame = damage.frame()
        try:
            wire.read_body(body)
            wire.feed(frame, counts)
        except Exception as error:
            shown = ", ".join(repr(each[:2000]) for each in (frame, body) if each)
            raise AssertionError(f"{where}, seed {seed!r}, number {number}: {shown}") from error
        say(number + 1)
    wire.mend()
    grown, held = allocated_blocks() - blocks, held_bytes(wire.live)
    assert held < MOST_HELD_BYTES, f"{where}: its reader holds {held} bytes after {count} frames"
    assert grown < MOST_GROWTH, f"{where}: {grown} objects more after the second half of {count} frames"
    return counts


def check_renamed(wire: Wire, count: int, seed: str) -> None:
    """Feed frames of instruments that nobody watches. AssertionError where something is kept of them."""
    damage = Damage(wire.good, wire.names, f"{seed} {wire.venue} {wire.market}")
    wire.mend()
    before = held_bytes(wire.live)
    for _ in range(count):
        wire.feed(damage.renamed(), Counter())
    grown = held_bytes(wire.live) - before
    assert grown < 4096, f"{wire.venue} {wire.market}: {grown} bytes are kept of {count} frames that nobody asked for"


def main() -> None:
    """Fuzz the venues that are named, or all."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("venues", nargs="*", metavar="VENUE", help="left out: all")
    options.add_argument("--frames", type=int, default=LONG, help="damaged frames of one venue")
    options.add_argument("--seed", default="1")
    given = options.parse_args()
    is_terminal = sys.stderr.isatty()
    for venue in given.venues or VENUES:
        markets = [market for each, market in MARKETS if each == venue]
        for market in markets:
            count = given.frames // len(markets)

            def show(done: int, what: str = f"{venue} {market}", count: int = count) -> None:
                if is_terminal and done % 500 == 0:
                    sys.stderr.write(f"\r{what}: {done:,} of {count:,} frames ")

            counts = fuzz(Wire(venue, market), count, given.seed, show)
            found = ", ".join(f"{number:,} {name}" for name, number in counts.most_common())
            sys.stdout.write(f"{chr(13) if is_terminal else ''}{venue} {market}: {count:,} frames gave {found}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Bytes to structs: decoders that raise BadFrame, and the types and times that frames of many venues share."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct
from msgspec.structs import astuple

from arbsniper_tui.model.errors import UNREADABLE, BadFrame

Shape = TypeVar("Shape")
Record = TypeVar("Record", bound=Struct)

SHOWN_OF_A_BAD_FRAME = 120
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

VenueInt = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number in a frame. JSON sets no bound; the bus carries 64 bits."""
VenueNumber = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
"""A finite number."""


def decoder(shape: type[Shape], page: str, *, strict: bool = True) -> Callable[[bytes], Shape]:
    """A function that reads a JSON body as `shape` and raises BadFrame, naming the venue's `page`, for any other.

    `strict=False` takes "25.35" for the number it writes. A parser's `feed` calls msgspec itself, which saves a call.
    """
    decode = msgspec.json.Decoder(shape, strict=strict).decode

    def decode_or_raise(body: bytes) -> Shape:
        try:
            return decode(body)
        except UNREADABLE as error:
            raise undecodable(body, page, error) from error

    return decode_or_raise


def updated(known: Record, change: Record) -> Record:
    """A struct as it is after a change that has only some of its fields; the others are UNSET."""
    fields = zip(astuple(known), astuple(change), strict=True)
    return type(known)(*(old if new is UNSET else new for old, new in fields))


def bad_frame(frame: bytes, expected: str) -> BadFrame:
    """A BadFrame that shows what was expected and the start of what came."""
    shown = frame[:SHOWN_OF_A_BAD_FRAME].decode("utf-8", "replace")
    return BadFrame(f"expected {expected}, found {shown!r}")


def undecodable(frame: bytes, page: str, error: Exception) -> BadFrame:
    """A BadFrame for what the decoder refused, with its words on where."""
    return bad_frame(frame, f"a {page} frame ({error})")


def number(text: str) -> float | None:
    """The number that a text writes as frames do; None for an empty text, and for what is no finite number."""
    try:
        return msgspec.convert(text, VenueNumber, strict=False)
    except UNREADABLE:
        return None


def percent_of(text: str) -> float | None:
    """The rate that a text writes as a fraction, in percent; None where it writes none."""
    found = number(text)
    return None if found is None else percent(found)


def time_ms(text: str) -> int | None:
    """The ms since 1970 that a text writes; None for another text, and for what stands for no time, such as -1."""
    try:
        found: int = msgspec.convert(text, VenueInt, strict=False)
    except UNREADABLE:
        return None
    return found if found > 0 else None


def epoch_ms(moment: datetime) -> int:
    """Whole ms since 1970, rounded down from the venue's microseconds; a moment without a zone is in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND


def percent(rate: float) -> float:
    """A rate in percent, with no more digits than it has: the plain product of 0.00007 and 100 has seventeen."""
    return float(f"{rate * 100:.12g}")


def texts_named(frame: bytes, *keys: str) -> list[set[str]]:
    """The texts that a frame which does not fit its struct still gives for each of the keys.

    JSON gives what stands at its top, or an empty text for a key that it does not have. What is no JSON, such as a
    frame that was cut short, gives every `"key": "text"` in it.
    """
    try:
        found = msgspec.json.decode(frame)
    except UNREADABLE:
        patterns = (re.compile(rb'"%s"\s*:\s*"([\w/-]+)"' % key.encode()) for key in keys)
        return [{text.decode() for text in pattern.findall(frame)} for pattern in patterns]
    named: dict[str, Any] = found if isinstance(found, dict) else {}
    return [{text} if isinstance(text := named.get(key, ""), str) else {""} for key in keys]

"""What an event is on standard output and in the log."""

import logging

import msgspec
from msgspec import UNSET

from arbsniper_tui.model.signal import Event

_to_json = msgspec.json.Encoder().encode


def output_line(event: Event) -> bytes | None:
    """The contract's JSON line for a signal, or None for an event that is none: a close, and an opportunity that is
    opened again after it was announced."""
    signal = event.signal
    if signal is None or signal.state == "close" or (signal.state == "open" and signal.resumed_from is not UNSET):
        return None
    return _to_json(signal) + b"\n"


def log_line(event: Event) -> tuple[int, str] | None:
    """Level and words for the log, or None for what is not worth a line."""
    place = f"{event.exchange} {event.market}".strip()
    words = {
        "venue_up": (logging.INFO, f"{place}: up"),
        "venue_down": (logging.WARNING, f"{place}: down: {event.detail}"),
        "worker_up": (logging.WARNING, f"worker up again: {event.detail}"),
        "worker_down": (logging.ERROR, f"worker down: {event.detail}"),
        "settings": (logging.INFO, f"settings: {event.detail}"),
        "alert": (logging.INFO, f"alert: {event.detail}"),
        "end": (logging.INFO, f"tapes ended: {event.detail}"),
    }
    return words.get(event.event)

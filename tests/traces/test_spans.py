"""From the way of a signal to the spans of its trace."""

from msgspec.structs import replace
from ui.builder import signal

from arbsniper_tui.model.trace import SignalTrace
from arbsniper_tui.traces.spans import Span, attributes_of, spans_of

MS = 1_000_000
READ_NS = 1_760_000_000_000 * MS + 400_000


def made() -> SignalTrace:
    told = replace(signal("open", 7, 0), detected_at=READ_NS // MS)
    at = [READ_NS + us * 1000 for us in (0, 30, 80, 110, 112, 140, 900, 21_000)]
    return SignalTrace(told, 41, "r1", *at)


def test_the_parts_of_the_way_follow_each_other_within_the_whole() -> None:
    whole, *parts = spans_of(made())
    assert [each.name for each in parts] == ["receive", "parse", "bus", "decide", "publish", "store"]
    assert whole == Span("signal", READ_NS, READ_NS + 21_000_000)
    for part, after in zip(parts, parts[1:], strict=False):
        assert whole.begins_ns <= part.begins_ns <= part.ends_ns <= after.begins_ns
    assert parts[0] == Span("receive", READ_NS, READ_NS), "a receipt in the same ms"


def test_what_waited_in_the_socket_was_received_before_it_was_read() -> None:
    trace = made()
    late = replace(trace, signal=replace(trace.signal, detected_at=READ_NS // MS - 30))
    whole, receive, *_ = spans_of(late)
    assert receive.ends_ns == READ_NS and receive.begins_ns == late.signal.detected_at * MS == whole.begins_ns


def test_what_is_not_stored_has_no_such_span() -> None:
    trace = replace(made(), stored_ns=None)
    whole, *parts = spans_of(trace)
    assert parts[-1].name == "publish" and whole.ends_ns == trace.published_ns
    assert attributes_of(trace)["arbsniper.stored"] is False
    assert attributes_of(made())["arbsniper.signal.seq"] == 7

"""When a connection that is open is dead all the same."""

from arbsniper_tui.feeds.timings import FeedTimings
from arbsniper_tui.net.websocket import WebSocket


def fault(
    socket: WebSocket, timings: FeedTimings, now_s: float, *, max_silence_s: float, awaits_data_since_s: float | None
) -> str:
    """Why the connection must be opened again, or an empty string. `awaits_data_since_s` is when it was subscribed,
    None where data has come, or need not come. Times are of `runtime.clock`."""
    no_frame_s = now_s - socket.last_read_ns / 1e9
    if no_frame_s > max_silence_s:
        return f"no frame for {no_frame_s:.0f} s, not even a heartbeat"
    if socket.answered_ns is not None:
        unanswered_s = now_s - socket.answered_ns / 1e9
        if unanswered_s > timings.unanswered_for_s:
            return f"no answer to a ping for {unanswered_s:.0f} s"
    first_s = timings.first_data_within_s
    if awaits_data_since_s is not None and now_s - awaits_data_since_s > first_s:
        return f"subscribed, but no data for {first_s:g} s"
    return ""

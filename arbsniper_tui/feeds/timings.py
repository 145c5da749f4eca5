"""How long a feed waits for what."""

from msgspec import Struct

from arbsniper_tui.net.backoff import FIRST_S, LONGEST_S


class FeedTimings(Struct):
    """How long a feed waits for what."""

    max_quote_age_s: float = 5.0
    """Without a ping answered within this time, the data of a connection may be old."""
    open_within_s: float = 10.0
    """From the first packet to the end of the handshake."""
    list_within_s: float = 3.0
    """How long the first connection waits for the venue's list, which says what is halted; where sizes rest on the list
    it waits for as long as it takes."""
    check_every_s: float = 0.5
    first_data_within_s: float = 15.0
    """An ack is not data: a venue that sends a first state is connected to anew without one."""
    seed_after_s: float = 1.0
    """Where a venue sends no first state, what has not changed by then is asked for by REST."""
    silent_after_s: float = 10.0
    """After this long without data the feed is shown as silent. The connection stays: a quiet market is not dead ..."""
    resubscribe_after_s: float = 60.0
    """... and after this long a venue that sends a first state is subscribed again."""
    lost_book_after_s: float = 1.0
    """Until an instrument whose book was lost is asked for again; twice as long each further time, until it has a
    sound quote."""
    unanswered_for_s: float = 15.0
    """After this long without an answered ping the connection is dropped."""
    first_retry_s: float = FIRST_S
    """Between the end of a connection, or of a list that failed, and the next attempt; doubled each time ..."""
    longest_retry_s: float = LONGEST_S
    """... up to this, and begun anew after data."""
    refresh_list_s: float = 300.0
    """Between two looks at the venue's list."""
    facts_every_s: float = 1.0
    """Slow facts that a stream tells go to the bus this often."""
    facts_within_s: float = 120.0
    """A connection that carries facts alone is connected anew, or called silent, after this long without any."""
    rejected_wait_s: float = 60.0
    """Until a venue that serves none of the symbols is asked again."""

    @property
    def ping_every_s(self) -> float:
        """Often enough that an answer proves freshness in time, and seldom enough for the limits of the venues."""
        return min(max(self.max_quote_age_s / 3, 1.0), 5.0)

    @property
    def pong_within_ns(self) -> int:
        """The age of the newest answered ping from which on data may be old."""
        return round(max(self.max_quote_age_s, 3 * self.ping_every_s) * 1e9)

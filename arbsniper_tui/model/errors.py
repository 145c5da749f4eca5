"""Every error this program raises on purpose.

ArbsniperError
├── UsageError          what the user typed or configured; exit code 2
│   ├── ConfigError         a key of arbsniper.toml, an environment variable or an option
│   ├── SymbolError         a symbol that is not in unified form
│   ├── TapeError           a tape that cannot be opened, or whose venue cannot be told; an OutsideError too
│   └── FolderError         a folder of a node that cannot be had or trusted
├── OutsideError        its words quote what came from outside, and are made fit to show
│   ├── FrameError          what a venue sent; the stream goes on
│   │   ├── BadFrame            not the shape the venue's page describes
│   │   │   └── TapeCut             a tape that ends, or cannot be read on, before its end
│   │   ├── VenueRejected       the venue refuses one symbol; the others run
│   │   ├── VenueClosing        the venue announces that it will close this connection
│   │   └── BookLost            the state kept of a book is no longer the venue's, until a new snapshot
│   ├── RestError           a venue's REST answer that cannot be had or read
│   ├── NotDelivered        a target of alerts that did not take a message
│   ├── BadToken            a token or key of the API that does not count
│   └── BadPeer             a process on the bus that does not speak its protocol
├── WebSocketError      a connection to a venue that could not be opened
├── RedisUnreachable    a Redis server that cannot be connected to
├── RedisNotStarted     an embedded redis-server that does not start
├── LinkLost            an open connection to Redis that broke
├── StateError          a file that outlives a run cannot be read or written
├── InstrumentError     an instrument cannot be added to those watched, or taken from them
├── NodeUnreachable     no node answers at this endpoint
├── TaskEnded           a task of a worker ended though none may; the worker ends with it
├── UiFailed            a fault of the terminal UI; the node can go on without it
├── BenchmarkStopped    the user stopped a benchmark before its end
└── WorkerLost          a worker could not be kept running; exit code 3
"""

import msgspec

from arbsniper_tui.model.clean_text import NAME_LIMIT, clean_text

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes from outside: it checks text apart from structure, and nesting has a limit."""
_WORDS_LIMIT = 1000


class ArbsniperError(Exception):
    """The root of the tree; catching it catches nothing that is a fault of this program."""


class UsageError(ArbsniperError):
    """What the user asked for cannot be done; the message says what would work."""


class ConfigError(UsageError):
    """A setting is wrong; the message names file, key, what was found and what was expected."""


class SymbolError(UsageError):
    """A symbol is not in unified form."""


class OutsideError(ArbsniperError):
    """What came from outside is at fault. The words quote it, so they are made fit to show: one visible line."""

    def __init__(self, words: str) -> None:
        super().__init__(clean_text(words, _WORDS_LIMIT))


class TapeError(OutsideError, UsageError):
    """A tape cannot be opened, or its venue cannot be told."""


class FolderError(UsageError):
    """A folder for a node's sockets or its state cannot be had, or cannot be trusted."""


class FrameError(OutsideError):
    """A frame of a venue that carries no quotes."""


class BadFrame(FrameError):
    """A frame is not of the shape that the venue's page describes."""


class TapeCut(BadFrame):
    """A tape ends in the middle, as a killed recorder leaves it, or cannot be read on; what comes before is sound."""


class VenueRejected(FrameError):
    """The venue refuses `venue_symbol` (or, where it names none, the whole request)."""

    def __init__(self, venue_symbol: str, reason: str) -> None:
        self.venue_symbol = clean_text(venue_symbol, NAME_LIMIT)
        self.reason = clean_text(reason)
        super().__init__(f"{self.venue_symbol or 'request'}: {self.reason}")


class VenueClosing(FrameError):
    """The venue announces that it will close this connection: reconnect now."""


class BookLost(FrameError):
    """The book kept of `venue_symbol` is no longer the venue's: an update or a snapshot of it could not be read, or
    never came. Empty: nobody can tell which, so that every book of the connection is lost.

    Only a new snapshot mends it: subscribe again, or connect again where all are lost.
    """

    def __init__(self, venue_symbol: str, reason: str) -> None:
        self.venue_symbol = clean_text(venue_symbol, NAME_LIMIT)
        self.reason = clean_text(reason)
        super().__init__(f"{self.venue_symbol or 'all books'}: {self.reason}")


class RestError(OutsideError):
    """A venue's REST answer could not be had or read."""


class NotDelivered(OutsideError):
    """A target of alerts did not take a message; the words hold nothing secret."""


class BadToken(OutsideError):
    """A token or key of the API does not count; the words do not quote it."""


class BadPeer(OutsideError):
    """A process on the bus does not speak its protocol; its connection is closed."""


class WebSocketError(ArbsniperError):
    """A connection to a venue could not be opened; the message says what failed."""


class RedisUnreachable(ArbsniperError):
    """No connection to Redis could be made; the message says what failed and where, without the password."""


class RedisNotStarted(ArbsniperError):
    """The embedded redis-server could not be found or did not start."""


class LinkLost(ArbsniperError):
    """An open connection to Redis broke, or broke the protocol."""


class StateError(ArbsniperError):
    """A file in the user's state folder cannot be read or written."""


class InstrumentError(ArbsniperError):
    """An instrument cannot be added to those watched, or taken from them."""


class NodeUnreachable(ArbsniperError):
    """No node answers at the endpoint."""


class TaskEnded(ArbsniperError):
    """A task of a worker ended by itself, which is a fault: what it did would be missing from now on."""


class UiFailed(ArbsniperError):
    """The terminal UI failed; the node can go on without it."""


class BenchmarkStopped(ArbsniperError):
    """The user stopped a benchmark before its end."""


class WorkerLost(ArbsniperError):
    """A worker died too often to be kept running."""

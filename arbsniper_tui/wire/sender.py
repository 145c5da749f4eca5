"""The feed's end of the bus: never waits; while the reader lags, the newest state of each instrument wins."""

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic_ns

import zmq
from zmq.backend import Socket as CompiledSocket

from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.wire.messages import FromFeed, HealthReport, QuoteBatch, Withdrawn, encode

HIGH_WATER_MARK = 256
"""Messages that may be under way at each end; some ms of work for the reader."""

_Held = tuple[int, Quote | Withdrawal]


class QuoteSender:
    """A PUSH socket with a memory of one state for each instrument."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        *,
        is_lossless: bool = False,
        on_holding: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_holding` is called when something had to be held back: `flush` must be called then, until
        `is_holding` is over."""
        self._socket = context.socket(zmq.PUSH)
        self._socket.set(zmq.SNDHWM, HIGH_WATER_MARK)
        self._socket.set(zmq.LINGER, 0)
        self._socket.connect(endpoint)
        self._flags = 0 if is_lossless else zmq.NOBLOCK
        # That of zmq.Socket looks at options first that are not used here.
        self._send = partial(CompiledSocket.send, self._socket)
        self._on_holding = on_holding
        self._held: dict[int, _Held] = {}
        self._held_reports: dict[str, HealthReport] = {}
        self.refusals = 0
        """How often the bus was full."""
        self.conflated = 0
        """States that a newer one of the same instrument replaced before they could leave."""

    @property
    def is_holding(self) -> bool:
        return bool(self._held or self._held_reports)

    def send_quotes(self, quotes: Sequence[Quote], ts_read_ns: int, ts_recv_ns: int | None = None) -> None:
        """The quotes of one read; `ts_recv_ns` where their receipt is not the read."""
        if not self._held:
            recv_ns = [] if ts_recv_ns is None else [ts_recv_ns] * len(quotes)
            try:
                self._send(encode(QuoteBatch(ts_read_ns, monotonic_ns(), quotes, recv_ns)), self._flags)
                return
            except zmq.Again:
                self.refusals += 1
        for quote in quotes:
            self._hold(quote.instrument_id, (ts_recv_ns or ts_read_ns, quote))
        self._flush_or_tell()

    def withdraw(self, withdrawal: Withdrawal, at_ns: int) -> None:
        """Take instruments out, after the quotes that were sent before."""
        if not self._held and self._try(Withdrawn(at_ns, withdrawal.instrument_ids, withdrawal.reason)):
            return
        for instrument_id in withdrawal.instrument_ids:
            self._hold(instrument_id, (at_ns, withdrawal))
        self._flush_or_tell()

    def report(self, report: HealthReport) -> None:
        """The newest report of a worker replaces one that could not leave."""
        if not self._try(report):
            self._held_reports[report.worker] = report

    def send(self, message: FromFeed) -> None:
        """Any message, waiting for room: a replay loses nothing."""
        self._send(encode(message))

    def flush(self) -> None:
        """Send what is held, as far as there is room: quotes together, in the order in which they were first held."""
        quotes = [(ts, state) for ts, state in self._held.values() if isinstance(state, Quote)]
        if quotes:
            batch = QuoteBatch(
                min(ts for ts, _ in quotes), monotonic_ns(), [quote for _, quote in quotes], [ts for ts, _ in quotes]
            )
            if not self._try(batch):
                return
            for _, quote in quotes:
                del self._held[quote.instrument_id]
        for instrument_id, (ts, state) in list(self._held.items()):
            if not self._try(Withdrawn(ts, (instrument_id,), state.reason if isinstance(state, Withdrawal) else "")):
                return
            del self._held[instrument_id]
        for worker, report in list(self._held_reports.items()):
            if not self._try(report):
                return
            del self._held_reports[worker]

    def close(self) -> None:
        """Close at once; what is under way is lost."""
        self._socket.close()

    def _flush_or_tell(self) -> None:
        self.flush()
        if self.is_holding:
            self._on_holding()

    def _hold(self, instrument_id: int, state: _Held) -> None:
        if self._held.pop(instrument_id, None) is not None:
            self.conflated += 1
        self._held[instrument_id] = state

    def _try(self, message: FromFeed) -> bool:
        try:
            self._send(encode(message), self._flags)
        except zmq.Again:
            return False
        return True

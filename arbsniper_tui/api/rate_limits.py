"""How much one client may ask and take: who it is by its address, how long it has to wait, and its share of what there
is.
"""

import math
import time
from collections.abc import Callable, Hashable, Mapping
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import Any

MOST_CLIENTS = 20_000
"""That are remembered: more than these at once forget all, which costs a second of their limits."""
BURST_S = 1.0
"""What may be asked within this long may also be asked at once."""
_FORWARDED = b"x-forwarded-for"
_LONGEST_ADDRESS = 45
_HERE = "0000:0000:0000:0000"
"""The half of ::1 that tells clients apart."""


class RateLimits:
    """One number for each client and path: when all that it has asked is worked off."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._busy_until_s: dict[Hashable, float] = {}

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._busy_until_s)

    def wait_s(self, key: Hashable, per_s: float) -> float:
        """Count a request of this key; 0 where it may be answered, else how long to wait, and it does not count."""
        now_s = self._clock()
        each_s = 1 / per_s
        busy_s = max(self._busy_until_s.get(key, -math.inf), now_s - max(BURST_S, each_s))
        # Half a request for the rounding of the sum.
        if (wait_s := busy_s + each_s / 2 - now_s) > 0:
            return wait_s
        if len(self._busy_until_s) >= MOST_CLIENTS:
            self._forget(now_s)
        self._busy_until_s[key] = busy_s + each_s
        return 0.0

    def _forget(self, now_s: float) -> None:
        """Those who have asked nothing for long; all, where that leaves too many."""
        kept = {key: busy_s for key, busy_s in self._busy_until_s.items() if busy_s > now_s - BURST_S}
        self._busy_until_s = kept if len(kept) < MOST_CLIENTS else {}


def client_of(scope: Mapping[str, Any], *, behind_proxy: bool = False) -> str:
    """Who asks, by address; of IPv6 the first half, since one customer has all of the rest. Behind a proxy it is the
    address that this proxy has added, the last one: those before it are what the client claims."""
    address: str = (scope.get("client") or ("",))[0]
    if behind_proxy:
        forwarded = [value for name, value in scope["headers"] if name == _FORWARDED]
        if forwarded:
            address = forwarded[-1].rpartition(b",")[2].strip().decode("latin-1")[:_LONGEST_ADDRESS]
    if ":" not in address:
        return address
    try:
        whole = IPv6Address(address)
    except ValueError:
        return address
    return str(whole.ipv4_mapped or whole.packed[:8].hex(":", 2))


def share_of(places: int, client: str) -> int:
    """How many of so many places one client may take: a fifth, and this machine, whose programs all have one address,
    four fifths."""
    is_here = client.startswith("127.") or client == _HERE
    return places * 4 // 5 if is_here else places // 5


def too_often(wait_s: float, allowed: str) -> tuple[HTTPStatus, str, dict[str, str]]:
    """Status, words and headers for one who has to wait this long."""
    after_s = max(1, math.ceil(wait_s))
    detail = f"more than {allowed}: ask again in {after_s} s"
    return HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(after_s)}

"""REST: one GET in a thread, bounded in time and size. Venues' lists are the only thing fetched this way."""

import asyncio
import threading
import urllib.error
import urllib.request
from concurrent.futures import Future
from http.client import HTTPException

from arbsniper_tui import __version__
from arbsniper_tui.model.errors import RestError

TIMEOUT_S = 10.0
LARGEST_BODY = 64 << 20


async def fetch(url: str) -> bytes:
    """The body of a GET. Raises RestError with the URL and what went wrong."""
    answer: Future[bytes] = Future()
    answer.set_running_or_notify_cancel()
    # Not one of the loop's own threads: a loop that ends waits for those, and a venue may take its time.
    threading.Thread(target=_fulfil, args=(answer, url), name="rest", daemon=True).start()
    return await asyncio.wrap_future(answer)


def _fulfil(answer: Future[bytes], url: str) -> None:
    try:
        answer.set_result(_get(url))
    except Exception as error:  # noqa: BLE001 - the thread's boundary: whoever awaits the answer gets it
        answer.set_exception(error)


def _get(url: str) -> bytes:
    try:
        request = urllib.request.Request(url, headers={"User-Agent": f"arbsniper-tui/{__version__}"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            body: bytes = response.read(LARGEST_BODY)
            return body
    except urllib.error.HTTPError as error:
        raise RestError(f"GET {url}: HTTP {error.code} {error.reason}") from error
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise RestError(f"GET {url}: {reason}") from error

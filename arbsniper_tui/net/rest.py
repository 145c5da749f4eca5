"""REST: one GET in a thread, bounded in time and size. Venues' lists are the only thing fetched this way."""

import asyncio
import urllib.error
import urllib.request

from arbsniper_tui import __version__
from arbsniper_tui.model.errors import RestError

TIMEOUT_S = 10.0
LARGEST_BODY = 64 << 20


async def fetch(url: str) -> bytes:
    """The body of a GET. Raises RestError with the URL and what went wrong."""
    return await asyncio.to_thread(_get, url)


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": f"arbsniper-tui/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            body: bytes = response.read(LARGEST_BODY)
            return body
    except urllib.error.HTTPError as error:
        raise RestError(f"GET {url}: HTTP {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise RestError(f"GET {url}: {reason}") from error

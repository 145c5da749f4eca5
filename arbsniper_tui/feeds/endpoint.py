"""Where to connect: the URL of the settings, or the one that a venue gives by REST before each connection."""

from urllib.parse import urlsplit

from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.net.rest import fetch
from arbsniper_tui.venues.base import VenueAdapter, VenueMarket
from arbsniper_tui.venues.requests import Endpoint


async def find_endpoint(spec: FeedSpec, adapter: VenueAdapter, declared: VenueMarket) -> Endpoint:
    """The URL to connect to, asked from the venue where it declares an `endpoint_path`. Raises RestError and BadFrame.

    Where the settings name another server than the venue's, it replaces the server in the venue's answer.
    """
    if not spec.endpoint_url:
        return Endpoint(spec.ws_url)
    endpoint = adapter.parse_endpoint(await fetch(spec.endpoint_url, method="POST"))
    if spec.ws_url == declared.ws_url + declared.ws_path:
        return endpoint
    server = urlsplit(spec.ws_url)
    ws_url = urlsplit(endpoint.ws_url)._replace(scheme=server.scheme, netloc=server.netloc).geturl()
    return Endpoint(ws_url, endpoint.keep_alive_every_s)

"""Who is let into /v1/stream; what is not is answered as any path answers, before there is a WebSocket."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from arbsniper_tui.api.caller import Caller
from arbsniper_tui.api.problems import PROBLEM_TYPE, Declined, problem_bytes
from arbsniper_tui.api.stream.client import Client, holder_of
from arbsniper_tui.api.stream.hub import Hub

if TYPE_CHECKING:
    from litestar.types import Receive, Send, WebSocketScope

PATH = "/v1/stream"


async def refuse(
    scope: "WebSocketScope", send: "Send", status: int, detail: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer a handshake with problem details."""
    body = problem_bytes(status, detail, scope["path"])
    told = {"Content-Type": PROBLEM_TYPE, "Content-Length": str(len(body)), **(headers or {})}
    start = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "websocket.http.response.start", "status": status, "headers": start})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})


class Entrance:
    """The application behind the path."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: "WebSocketScope", receive: "Receive", send: "Send") -> None:
        # Where the client leaves while it is answered, sending raises OSError: nothing is left to do.
        try:
            credentials = self._credentials_of(scope)
            caller = self._caller_of(credentials)
            address, _ = scope["client"] or ("", 0)
            self._hub.check_share(holder_of(caller, credentials, address), address)
        except Declined as declined:
            await refuse(scope, send, declined.status_code, declined.detail, declined.headers)
            return
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        await Client(self._hub, receive, send, address, credentials, caller).serve()

    def _credentials_of(self, scope: "WebSocketScope") -> str | None:
        """The header Authorization. Raises Declined for what has no stream."""
        if scope["path"] != PATH:
            raise Declined(HTTPStatus.NOT_FOUND, f"expected a WebSocket at {PATH}, and at no other path")
        if scope["query_string"]:
            token = 'a token goes in the header Authorization or in the first message, {"op": "authenticate", ...}'
            raise Declined(HTTPStatus.BAD_REQUEST, f"expected no query, because addresses are logged: {token}")
        # Raises Declined while the node does not answer.
        _ = self._hub.reader.status
        if len(self._hub.clients) >= self._hub.limits.clients:
            found = f"{self._hub.limits.clients} clients are connected already"
            raise Declined(HTTPStatus.SERVICE_UNAVAILABLE, f"{found}: try again later")
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(shown) > 1:
            raise Declined(HTTPStatus.BAD_REQUEST, "expected one header Authorization, found several")
        return shown[0].decode("latin-1") if shown else None

    def _caller_of(self, credentials: str | None) -> Caller | None:
        """None where the token is to come in the first message. Raises Declined (401)."""
        try:
            return self._hub.callers.caller_of(credentials)
        except Declined as declined:
            if credentials is None and declined.status_code == HTTPStatus.UNAUTHORIZED:
                return None
            raise

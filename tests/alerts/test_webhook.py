"""A signed POST to a real server that takes it, refuses, hangs, or leads elsewhere."""

import hashlib
import hmac
import json

import pytest
from alert_stage import make_alert, make_signal
from http_target import http_target

from arbsniper_tui.alerts.alert import message_of
from arbsniper_tui.alerts.rules import signal_alert
from arbsniper_tui.alerts.webhook import webhook
from arbsniper_tui.model.errors import NotDelivered

SECRET = "very-secret"


async def test_the_receiver_can_verify_who_sent_what_and_when() -> None:
    with http_target(200) as server:
        message = message_of(signal_alert("big", make_signal(), 5))
        await webhook(f"http://127.0.0.1:{server.port}/hook?a=1", SECRET, wall_s=lambda: 1705670123.9)(message, "id-1")
        (received,) = server.received
    timestamp = received.headers["X-Arbsniper-Timestamp"]
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + received.body, hashlib.sha256).hexdigest()
    assert timestamp == "1705670123"
    assert received.headers["X-Arbsniper-Signature"] == f"sha256={expected}"
    assert received.headers["Content-Type"] == "application/json"
    assert received.path == "/hook?a=1"
    body = json.loads(received.body)
    assert (body["v"], body["id"], body["count"], body["title"]) == (1, "id-1", 1, "big: BTC/USDT net 0.400%")
    assert body["alerts"][0]["signal"]["buy_exchange"] == "kraken"
    assert SECRET not in str(received.headers) + received.body.decode()


@pytest.mark.parametrize("status", [400, 401, 429, 500, 302, 307])
async def test_any_other_answer_is_no_success_and_a_redirect_is_not_followed(status: int) -> None:
    with http_target(status) as server:
        with pytest.raises(NotDelivered, match="redirect" if status in (302, 307) else f"HTTP {status}"):
            await webhook(f"http://127.0.0.1:{server.port}/hook", SECRET)(message_of(make_alert()), "1")
        assert len(server.received) == 1


async def test_a_server_that_never_answers_is_given_up() -> None:
    with http_target(0) as server, pytest.raises(NotDelivered, match="no whole answer within 0.1 s"):
        await webhook(f"http://127.0.0.1:{server.port}/", SECRET, within_s=0.1)(message_of(make_alert()), "1")


async def test_a_failure_names_the_host_and_nothing_secret(closed_port: int) -> None:
    url = f"http://user:pass-word@127.0.0.1:{closed_port}/services/T0000/abcd1234?token=hidden"
    with pytest.raises(NotDelivered) as raised:
        await webhook(url, SECRET)(message_of(make_alert()), "1")
    said = str(raised.value)
    assert "127.0.0.1" in said and "refused" in said
    assert not any(part in said for part in ("user", "pass-word", "T0000", "abcd1234", "hidden", SECRET))

"""Venues behind a gateway whose URL holds user, password and key: no tape, log or screen tells what is secret."""

import base64
import gzip
import json
import socket
from contextlib import closing

from raw_venues import RawKraken

from arbsniper_tui.session.session import Session
from arbsniper_tui.wire.endpoints import Endpoints

PAIRS = b'{"error":[],"result":{"XBTUSDT":{"wsname":"XBT/USDT","status":"online"}}}'


def test_no_password_of_a_venue_reaches_the_log_the_screen_or_a_tape(place):
    with RawKraken() as kraken, RawKraken() as lost, socket.create_server(("127.0.0.1", 0)) as silent:
        kraken.rest["/key-hunter4/0/public/AssetPairs"] = PAIRS
        toml = 'symbols = ["BTC/USDT"]\n[redis]\nmode = "off"\n'
        of_kraken = ("kraken", kraken.port, kraken.port, "/key-hunter4")
        for venue, ws_port, port, path in (of_kraken, ("okx", silent.getsockname()[1], lost.port, "")):
            toml += f'[venues.{venue}]\nws_url = "ws://user:hunter2@127.0.0.1:{ws_port}"\n'
            toml += f'rest_url = "http://user:hunter2@127.0.0.1:{port}{path}"\n'
        (place.folder / "gateway.toml").write_text(toml)
        node = place.start_node(
            *("record", "tapes", "--no-ui", "--config", "gateway.toml", "--symbol", "BTC/USDT", "--log-level", "debug"),
            command=place.patient_command,
        )
        details = set()

        def feeds_settle(session: Session) -> bool:
            session.pull()
            details.update(feed.detail for feed in session.snapshot.feeds.values())
            is_connecting = any(detail.startswith("ws://") for detail in details)
            return is_connecting and "instruments listed by" in node.err and "HTTP 404" in node.err

        with closing(Session(Endpoints(place.sockets()[0]))) as session:
            place.wait_for(lambda: feeds_settle(session), "a connection under way, a list, and a list that is refused")
        kraken.wait_for_subscription()
        kraken.send(kraken.quote(100.0, 101.0))
        place.wait_for(lambda: "kraken spot: up" in node.err, "the quotes of kraken")
        assert node.end() == 0
    assert f"listed by http://127.0.0.1:{kraken.port}/" in node.err
    assert f"GET http://127.0.0.1:{lost.port}/" in node.err
    secrets = ("user", "hunter2", base64.b64encode(b"user:hunter2").decode())
    assert not [secret for secret in secrets if secret in node.err]
    assert not [detail for detail in details if "hunter2" in detail]
    texts = [gzip.decompress(tape.read_bytes()) for tape in (place.folder / "tapes").iterdir()]
    assert texts and not [text for text in texts if b"hunter" in text or b"user" in text]
    kinds = {json.loads(line).get("kind") for text in texts for line in text.splitlines()}
    assert kinds >= {"settings", "listing", None}
    replayed = place.run("replay", *map(str, (place.folder / "tapes").iterdir()), "--no-ui", "--speed", "max")
    assert replayed.returncode == 0, replayed.stderr

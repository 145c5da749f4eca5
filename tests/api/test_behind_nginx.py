"""A real nginx with the repository's file before a real node: TLS, who asks, and what passes."""

import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_stage import ApiStage
from waiting import DEADLINE_S, wait_until
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.sync.client import connect

CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"


class Nginx:
    """nginx before one address, on ports of its own."""

    def __init__(self, folder: Path, api: str) -> None:
        nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
        if nginx is None or openssl is None:
            pytest.skip("no nginx, or no openssl to make a certificate with")
        request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        key, certificate = folder / "tls_key", folder / "tls_certificate"
        subprocess.run([*request, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.certificate = certificate
        self._folder, self._nginx = folder, nginx
        # Whatever else runs on this machine may take a port that was free.
        wait_until(lambda: self._starts(api), lambda: (folder / "nginx.log").read_text())
        context = ssl.create_default_context(cafile=str(certificate))
        url = f"https://localhost:{self.secure}"
        self.client = httpx.Client(base_url=url, verify=context, timeout=DEADLINE_S, trust_env=False)

    def _starts(self, api: str) -> bool:
        self.plain, self.secure = _free_port(), _free_port()
        folder = self._folder
        changes = {
            "/tmp/": f"{folder}/",
            "/run/secrets": str(folder),
            "listen 8080": f"listen 127.0.0.1:{self.plain}",
            "listen 8443": f"listen 127.0.0.1:{self.secure}",
            "server node:8787": f"server {api}",
            "worker_processes auto": "worker_processes 1",
        }
        text = CONFIG.read_text()
        for before, after in changes.items():
            assert before in text, before
            text = text.replace(before, after)
        config = folder / "nginx.conf"
        # Its workers have another user where it is started as root, and the folder is not theirs.
        config.write_text(("user root;\n" if _is_root() else "") + text)
        command = [self._nginx, "-c", str(config), "-p", str(folder), "-g", "daemon off;"]
        self.checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
        with (folder / "nginx.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        # It writes this file once it listens, and ends where it cannot.
        wait_until(lambda: (folder / "nginx.pid").exists() or self.process.poll() is not None)
        return self.process.poll() is None

    def close(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(DEADLINE_S)

    def get(self, path: str) -> httpx.Response:
        """The answer, once the node is not too busy to give it."""

        def answered() -> httpx.Response | None:
            answer = self.client.get(path)
            return None if answer.status_code == 503 else answer

        return wait_until(answered)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _is_root() -> bool:
    return Path("/proc/self").stat().st_uid == 0


@pytest.fixture
def nginx(stage: ApiStage, tmp_path: Path) -> Iterator[Nginx]:
    url = stage.client.base_url
    nginx = Nginx(tmp_path, f"{url.host}:{url.port}")
    yield nginx
    nginx.close()


def test_nginx_accepts_the_file_and_answers_for_the_node(nginx: Nginx, stage: ApiStage) -> None:
    assert nginx.checked.returncode == 0, nginx.checked.stderr
    stage.quote_until(lambda: all(stage.bids()))
    answer = nginx.get("/v1/prices")
    assert answer.status_code == 200 and len(answer.json()["prices"]) == 2
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    again = nginx.get("/v1/best/BTC%2FUSDT")
    assert again.json()["symbol"] == "BTC/USDT", "a slash in a path comes through"

    plain = httpx.get(f"http://127.0.0.1:{nginx.plain}/v1/prices", trust_env=False, timeout=DEADLINE_S)
    assert (plain.status_code, plain.headers["Location"]) == (308, "https://127.0.0.1/v1/prices")
    assert nginx.client.get("/metrics").status_code == 404
    assert nginx.client.post("/v1/prices", content=b"x" * 100_000).status_code == 413


def test_the_stream_comes_through(nginx: Nginx, stage: ApiStage) -> None:
    stage.quote_until(lambda: all(stage.bids()))
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    url = f"wss://localhost:{nginx.secure}/v1/stream"
    with connect(url, ssl=context, open_timeout=DEADLINE_S, proxy=None) as stream:
        stream.send(json.dumps({"op": "subscribe", "to": {"channel": "prices"}}))
        prices: list[dict[str, Any]] = []
        while len(prices) < 2:
            prices += json.loads(stream.recv(DEADLINE_S)).get("prices", [])
    assert {each["venue"] for each in prices} == {"binance", "kraken"}


def test_one_address_has_a_hundred_connections_and_another_is_served(nginx: Nginx, stage: ApiStage) -> None:
    stage.quote_until(lambda: all(stage.bids()))
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    url = f"wss://localhost:{nginx.secure}/v1/stream"
    transport = httpx.HTTPTransport(verify=context, local_address="127.0.0.2")
    with ExitStack() as stack:
        other = stack.enter_context(httpx.Client(transport=transport, timeout=DEADLINE_S))

        def enter() -> int:
            """The status of one more handshake; 0 where a slow machine was cut before it had sent its request."""
            try:
                stream = connect(url, ssl=context, open_timeout=DEADLINE_S, proxy=None)
            except InvalidStatus as refused:
                return refused.response.status_code
            except InvalidMessage:
                return 0
            # Without a subscription it would not stay.
            stack.enter_context(stream).send('{"op": "subscribe", "to": {"channel": "signals"}}')
            return 101

        assert [wait_until(enter) for _ in range(101)] == 100 * [101] + [429]
        answer = nginx.client.get("/v1/prices")
        assert answer.status_code == 429 and answer.headers["Retry-After"] == "1"
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        assert other.get(f"https://127.0.0.1:{nginx.secure}/v1/prices").status_code == 200
    wait_until(lambda: nginx.client.get("/v1/prices").status_code == 200)


def test_a_node_that_is_away_is_a_bad_gateway(nginx: Nginx, stage: ApiStage) -> None:
    stage.quote_until(lambda: all(stage.bids()))
    stage.node.process.terminate()
    stage.node.process.wait(DEADLINE_S)
    assert nginx.client.get("/v1/prices").status_code == 502

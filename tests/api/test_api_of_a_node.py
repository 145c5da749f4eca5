"""Real requests to a real node: prices, errors, tags, and who may ask."""

import json
import re
import socket
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from api_stage import BASE, ApiStage
from waiting import DEADLINE_S, wait_until

import arbsniper_tui

PAGE = Path(arbsniper_tui.__file__).parent / "api" / "page"


def test_prices_are_those_that_the_venues_quote(quoting: ApiStage) -> None:
    quoting.quote_until(lambda: quoting.bids() == [BASE, BASE])
    prices = quoting.get("/v1/prices").json()["prices"]
    assert [(each["venue"], each["symbol"], each["market"]) for each in prices] == [
        ("binance", "BTC/USDT", "spot"),
        ("kraken", "BTC/USDT", "spot"),
    ]
    kraken = prices[1]
    assert (kraken["bid"], kraken["ask"], kraken["bid_size"], kraken["ask_size"]) == (BASE, BASE + 0.5, 1.5, 2.5)
    assert kraken["why_not"] is None and kraken["received_at"] > 0
    assert prices[0]["venue_at"] is None, "this venue sends no time"
    assert quoting.get("/v1/prices?venue=kraken").json()["prices"][0]["venue"] == "kraken"
    assert len(quoting.get("/v1/prices?symbol=BTC-USDT").json()["prices"]) == 2


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC%2FUSDT", "BTC-USDT", "btc-usdt"])
def test_a_symbol_can_be_written_in_each_way_that_a_path_takes(quoting: ApiStage, symbol: str) -> None:
    quoting.quote_until(lambda: quoting.bids() == [BASE + 7, BASE], BASE + 7)
    best = quoting.get(f"/v1/best/{symbol}").json()
    assert best["symbol"] == "BTC/USDT"
    assert (best["bid"]["venue"], best["ask"]["venue"]) == ("binance", "kraken")


def test_every_answer_tells_the_nodes_time_run_and_last_event(quoting: ApiStage) -> None:
    for path, status in (("/v1/prices", 200), ("/nowhere", 404), ("/v1/best/x", 400), ("/docs", 200)):
        headers = quoting.get(path, status).headers
        assert quoting.snapshot.intro is not None
        assert headers["Arbsniper-Run"] == quoting.snapshot.intro.run
        assert int(headers["Arbsniper-Time"]) > 1_600_000_000_000
        assert int(headers["Arbsniper-Event"]) > 0


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/best/BTCUSDT", 400, "expected BASE/QUOTE"),
        ("/v1/best/DOGE-USDT", 404, "DOGE/USDT: this node does not watch it"),
        ("/v1/prices?venue=nasdaq", 404, "nasdaq: this node does not watch it"),
        ("/v1/nothing", 404, "no such path"),
        ("/v1/../../etc/passwd", 404, "no such path"),
        ("/docs/%2e%2e/app.py", 404, "no such path"),
    ],
)
def test_an_error_is_problem_details(quoting: ApiStage, path: str, status: int, words: str) -> None:
    answer = quoting.get(path, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert words in problem["detail"] and problem["title"] and problem["instance"].startswith("/")


def test_head_is_answered_as_get_is_without_the_body(quoting: ApiStage) -> None:
    head = quoting.client.head("/v1/settings")
    assert (head.status_code, head.content) == (200, b"")
    whole = quoting.get("/v1/settings")
    assert all(head.headers[each] == whole.headers[each] for each in ("ETag", "Content-Length", "Content-Type"))
    assert quoting.client.head("/v1/settings", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert quoting.client.head("/v1/best/x").status_code == 400


def test_a_method_that_changes_things_is_refused(quoting: ApiStage) -> None:
    answer = quoting.client.post("/v1/prices", content=b"x" * 100_000)
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]
    assert answer.json()["status"] == 405


def test_an_answer_that_has_not_changed_is_not_sent_again(quoting: ApiStage) -> None:
    def asked_again() -> httpx.Response:
        tag = quoting.get("/v1/prices").headers["ETag"]
        return quoting.client.get("/v1/prices", headers={"If-None-Match": tag})

    # Quotes of the test before may still be coming in.
    again = wait_until(lambda: answer if (answer := asked_again()).status_code == 304 else None)
    tag = again.headers["ETag"]
    assert again.content == b"" and "Content-Type" not in again.headers
    quoting.quote_until(lambda: quoting.get("/v1/prices").headers["ETag"] != tag, BASE + 1)
    assert quoting.get("/v1/prices", **{"If-None-Match": tag}).json()["prices"]


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "10.0.0.1", "localhost:8o", "[::1].x"])
def test_a_name_that_another_site_made_lead_here_is_refused(quoting: ApiStage, host: str) -> None:
    problem = quoting.get("/v1/prices", 421, Host=host).json()
    assert host in problem["detail"]


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://localhost:1"])
def test_a_page_of_another_site_is_refused(quoting: ApiStage, origin: str) -> None:
    assert quoting.get("/v1/prices", 403, Origin=origin).headers["Content-Type"] == "application/problem+json"


def test_its_own_page_and_its_own_names_are_answered(quoting: ApiStage) -> None:
    port = quoting.client.base_url.port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", "LOCALHOST", "[::1]", "127.1.2.3"):
        quoting.get("/v1/prices", Host=host, Origin=f"http://{host}")


def test_the_openapi_document_describes_every_path_and_the_errors(quoting: ApiStage) -> None:
    document = quoting.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["paths"]
    assert {method for methods in document["paths"].values() for method in methods} == {
        "get",
        "patch",
        "post",
        "delete",
    }
    for path, method, operation in [(p, m, each) for p, of in document["paths"].items() for m, each in of.items()]:
        answers = operation["responses"]
        assert operation["description"], path
        for status, answer in answers.items():
            (media_type,) = answer["content"]
            is_ok = status in ("200", "201")
            assert media_type == ("application/json" if is_ok else "application/problem+json"), (path, status)
        assert {"201" if method == "post" else "200", "400", "401", "403", "413", "421", "429", "503"} <= set(
            answers
        ), path
    for name, each in document["components"]["schemas"].items():
        assert all(field["description"] for field in each.get("properties", {}).values()), name


def test_the_page_loads_nothing_from_another_host(quoting: ApiStage) -> None:
    answer = quoting.get("/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    linked = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert {"/docs/page.js", "/docs/page.css", "/v1/openapi.json"} == set(linked)
    for path in linked:
        quoting.get(path)
    for file in PAGE.iterdir():
        assert "//" not in re.sub(r"^// .*$", "", file.read_text(), flags=re.MULTILINE), file


def test_garbage_in_place_of_a_request_harms_nobody(quoting: ApiStage) -> None:
    url = quoting.client.base_url
    for garbage in (b"\x00" * 4096, b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"):
        with (
            socket.create_connection((url.host, url.port or 0), timeout=DEADLINE_S) as connection,
            suppress(OSError),  # closed before all of it was sent
        ):
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert quoting.get("/v1/prices").json()["prices"]
    assert "Traceback" not in quoting.node.log and len(quoting.node.pids("api")) == 1


def test_the_answer_is_json_that_a_strict_reader_takes(quoting: ApiStage) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert json.loads(quoting.get("/v1/prices").text, parse_constant=refuse)

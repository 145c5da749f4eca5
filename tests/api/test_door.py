"""From where one may ask, under which names, how often, and how much may be sent: without a node."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest
from app_stage import ASKED, access, bearer, client_of, made_app, token

from arbsniper_tui.api.door import MOST_BODY_BYTES
from arbsniper_tui.api.rate_limits import MOST_CLIENTS, RateLimits
from arbsniper_tui.api.rate_limits import client_of as client_by_address
from arbsniper_tui.api.role import Role

PRICES = "/v1/prices"
NAMED = access(needs_token=False, hosts=("node.example.org",))
FOR_PAGES = access(needs_token=False, origins=("https://desk.example.org",))
ONE_REQUEST_PER_S = 0.001
"""A limit under which no test gets a second answer, however long it takes."""
PROXIED = access(needs_token=False, behind_proxy=True, hosts=("node.example.org",), requests_per_s=ONE_REQUEST_PER_S)


@pytest.mark.parametrize(("host", "status"), [("node.example.org", ASKED), ("NODE.example.org:443", ASKED)])
async def test_a_name_that_was_given_to_it_is_answered(host: str, status: int) -> None:
    async with client_of(made_app(NAMED)) as client:
        assert (await client.get(PRICES, headers={"Host": host})).status_code == status
        assert (await client.get(PRICES, headers={"Host": "localhost"})).status_code == ASKED
        assert (await client.get(PRICES, headers={"Host": f"evil.{host}"})).status_code == 421


@pytest.mark.parametrize("host", ["anything.example", "10.0.0.7:8787", "[2001:db8::1]:1"])
async def test_beyond_loopback_any_name_is_answered_to_those_with_a_token(host: str) -> None:
    headers = {"Host": host}
    async with client_of(made_app(access(any_host=True))) as client:
        assert (await client.get(PRICES, headers=headers)).status_code == 401
        shown = bearer(token(Role.VIEWER, int(time.time())))
        assert (await client.get(PRICES, headers=headers | shown)).status_code == ASKED
        for broken in ("", "a:b", ":1"):
            assert (await client.get(PRICES, headers={"Host": broken} | shown)).status_code == 421


async def test_a_page_of_a_named_origin_may_read_and_no_other() -> None:
    async with client_of(made_app(FOR_PAGES)) as client:
        answer = await client.get(PRICES, headers={"Origin": "https://desk.example.org"})
        assert answer.status_code == ASKED
        assert answer.headers["Access-Control-Allow-Origin"] == "https://desk.example.org"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        asked = {"Origin": "https://desk.example.org", "Access-Control-Request-Method": "GET"}
        asked["Access-Control-Request-Headers"] = "authorization"
        preflight = await client.options(PRICES, headers=asked)
        assert preflight.status_code == 204
        assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
        for other in ("https://example.org", "null", "https://desk.example.org.evil.org"):
            refused = await client.get(PRICES, headers={"Origin": other})
            assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused.headers


async def test_without_origins_nothing_is_said_to_pages_of_other_sites() -> None:
    async with client_of(made_app(NAMED)) as client:
        asked = {"Origin": "https://desk.example.org", "Access-Control-Request-Method": "GET"}
        preflight = await client.options(PRICES, headers=asked)
        assert preflight.status_code == 403
        answer = await client.get(PRICES)
        assert not [name for name in (*preflight.headers, *answer.headers) if name.startswith("access-control")]


async def test_its_own_page_is_that_of_its_scheme_or_of_the_proxy_before_it() -> None:
    headers = {"Host": "node.example.org", "Origin": "https://node.example.org"}
    async with client_of(made_app(NAMED)) as client:
        assert (await client.get(PRICES, headers=headers)).status_code == 403
    async with client_of(made_app(PROXIED)) as client:
        assert (await client.get(PRICES, headers=headers)).status_code == ASKED


async def test_one_client_has_its_limit_and_another_one_its_own() -> None:
    app = made_app(access(needs_token=False, requests_per_s=ONE_REQUEST_PER_S))
    async with client_of(app) as client, client_of(app, "10.0.0.2") as other:
        assert (await client.get(PRICES)).status_code == ASKED
        refused = await client.get(PRICES)
        assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 1
        assert refused.json()["detail"].startswith("more than 0.001 requests a second from 127.0.0.1")
        assert (await other.get(PRICES)).status_code == ASKED


async def test_a_path_that_costs_the_node_something_has_a_limit_of_its_own() -> None:
    app = made_app(access(needs_token=False))
    async with client_of(app) as client, client_of(app, "10.0.0.2") as other:
        for _ in range(5000):
            answer = await client.get("/v1/routes/1-2/breakdown")
            if answer.status_code == 429:
                break
            assert answer.status_code == ASKED
        assert answer.status_code == 429 and answer.headers["Retry-After"] == "1"
        assert (await client.get(PRICES)).status_code == ASKED
        assert (await other.get("/v1/routes/1-2/breakdown")).status_code == ASKED


async def test_behind_a_proxy_the_client_is_the_last_one_that_was_forwarded() -> None:
    app = made_app(PROXIED)
    async with client_of(app) as client:

        async def status_for(*forwarded: str) -> int:
            headers = [("X-Forwarded-For", each) for each in forwarded]
            return (await client.get(PRICES, headers=headers)).status_code

        assert await status_for("198.51.100.7") == ASKED
        # Whatever the client claims before it, the last address is that which the proxy has seen.
        assert await status_for("10.9.9.1, 198.51.100.7") == 429
        assert await status_for("10.9.9.2", "198.51.100.7") == 429
        assert await status_for("198.51.100.7", "198.51.100.9") == ASKED
        assert await status_for() == ASKED, "the proxy's own address"


async def test_without_a_proxy_nobody_is_believed_to_be_another() -> None:
    async with client_of(made_app(access(needs_token=False, requests_per_s=ONE_REQUEST_PER_S))) as client:
        answers = [await client.get(PRICES, headers={"X-Forwarded-For": f"10.9.9.{number}"}) for number in (1, 2)]
        assert [each.status_code for each in answers] == [ASKED, 429]


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("no:address", "no:address"),
    ],
)
def test_who_a_client_is_follows_from_its_address(address: str, client: str) -> None:
    assert client_by_address({"client": (address, 1), "headers": []}) == client
    assert client_by_address({"headers": []}) == ""


@pytest.mark.parametrize("per_s", [0.1, 0.5, 1.0, 7.0, 1000.0])
def test_in_the_long_run_no_more_is_answered_than_the_limit(per_s: float) -> None:
    clock_s = 1000.0
    limits = RateLimits(lambda: clock_s)
    answered = 0
    for _ in range(round(100 * per_s) * 4):
        wait_s = limits.wait_s("a", per_s)
        answered += not wait_s
        clock_s += 0.25 / per_s
    assert 99 * per_s - 1 <= answered <= 101 * per_s + 2
    clock_s += limits.wait_s("a", per_s)
    assert limits.wait_s("a", per_s) == 0


def test_the_memory_of_clients_is_bounded() -> None:
    limits = RateLimits(lambda: 1000.0)
    for number in range(3 * MOST_CLIENTS):
        assert limits.wait_s(number, 1.0) == 0
    assert len(limits) <= MOST_CLIENTS


async def test_a_body_that_is_too_long_or_of_no_known_length_is_refused() -> None:
    async with client_of(made_app(NAMED)) as client:
        longest = await client.request("GET", PRICES, content=bytes(MOST_BODY_BYTES))
        assert longest.status_code == ASKED
        too_long = await client.request("GET", PRICES, headers={"Content-Length": str(MOST_BODY_BYTES + 1)})
        assert_closed(too_long, 413, f"expected at most {MOST_BODY_BYTES}")

        async def parts() -> AsyncIterator[bytes]:
            yield b"x"

        assert_closed(await client.post(PRICES, content=parts()), 411, "without Content-Length")


def assert_closed(answer: httpx.Response, status: int, words: str) -> None:
    assert answer.status_code == status and words in answer.json()["detail"]
    assert answer.headers["Connection"] == "close"

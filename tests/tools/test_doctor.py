"""`doctor`: venues on loopback, then the table, the JSON and the exit code."""

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from simulated_venues import simulated_venues
from typer.testing import CliRunner

from arbsniper_tui.cli.doctor_command import doctor
from arbsniper_tui.cli.tables import findings_table
from arbsniper_tui.config import sources
from arbsniper_tui.config.load import load_settings
from arbsniper_tui.tools.doctor import checks as doctor_checks
from arbsniper_tui.tools.doctor import examination
from arbsniper_tui.tools.doctor.checks import (
    Finding,
    check_venues,
    optional_targets,
    target_of,
    venue_targets,
)

app = typer.Typer()
app.command()(doctor)

GENEROUS_S = 20.0


def verdicts(findings) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in findings}


@contextmanager
def server(answer=None):
    """A loopback port; `answer(connection)` is what it does with each connection, default: take it and wait."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    if answer:
                        answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        # Closing does not wake a thread that accepts; shutting down does.
        listening.shutdown(socket.SHUT_RDWR)


def settings(toml: str, tmp_path):
    path = tmp_path / "f.toml"
    path.write_text(toml)
    return load_settings(path, {}, {}).settings


def test_a_venue_is_looked_for_where_its_symbols_need_it(tmp_path):
    targets = venue_targets(settings("symbols = ['BTC/USDT']\n[venues.binance]\n[venues.okx]", tmp_path))
    assert targets == {
        "binance": (("stream.binance.com", 9443, True), ("api.binance.com", 443, True)),
        "okx": (("ws.okx.com", 8443, True), ("www.okx.com", 443, True)),
    }
    perpetual = venue_targets(settings("symbols = ['BTC/USDT:USDT']\n[venues.okx]\n[venues.kraken]", tmp_path))
    assert perpetual == {"okx": (("ws.okx.com", 8443, True), ("www.okx.com", 443, True)), "kraken": ()}


def test_a_venue_that_has_closed_is_not_looked_for(tmp_path):
    toml = "symbols = ['BTC/USDT:USDT']\n[venues.bitmex]\n[venues.okx]"
    assert set(venue_targets(settings(toml, tmp_path))) == {"okx"}


def test_a_venue_is_looked_for_where_a_pattern_needs_it(tmp_path):
    targets = venue_targets(settings("symbols = ['*/USDT']\n[venues.kraken]", tmp_path))
    assert targets == {"kraken": (("ws.kraken.com", 443, True), ("api.kraken.com", 443, True))}


def test_an_overridden_url_is_what_is_looked_for(tmp_path):
    toml = """symbols = ['BTC/USDT:USDT']
        [venues.okx]
        ws_url = 'ws://127.0.0.1:9001'
        rest_url = 'http://localhost'"""
    targets = venue_targets(settings(toml, tmp_path))
    assert targets == {"okx": (("127.0.0.1", 9001, False), ("localhost", 80, False))}


def test_an_address_of_one_market_is_looked_for_there_alone(tmp_path):
    toml = """symbols = ['BTC/USDT', 'BTC/USDT:USDT']
        [venues.binance]
        ws_url = { perp = 'ws://127.0.0.1:9001' }"""
    targets = venue_targets(settings(toml, tmp_path))
    streams = {target for target in targets["binance"] if "api" not in target[0]}
    assert streams == {("stream.binance.com", 9443, True), ("127.0.0.1", 9001, False)}


def test_the_venue_of_a_live_rate_is_looked_for_too(tmp_path):
    toml = "[venues.okx]\n[quotes]\nUSD = { convert = 'kraken:USDT/USD' }"
    assert venue_targets(settings(toml, tmp_path))["kraken"][0] == ("ws.kraken.com", 443, True)


def test_a_list_that_a_venue_can_do_without_is_optional_and_one_that_it_needs_is_not(tmp_path):
    spot = settings("symbols = ['BTC/USDT']\n[venues.okx]", tmp_path)
    assert optional_targets(spot) == {("okx", ("www.okx.com", 443, True))}
    both = settings("symbols = ['BTC/USDT', 'BTC/USDT:USDT']\n[venues.okx]", tmp_path)
    assert optional_targets(both) == set()
    one_host = "symbols = ['BTC/USDT']\n[venues.okx]\nws_url = 'ws://h:1'\nrest_url = 'http://h:1'"
    assert optional_targets(settings(one_host, tmp_path)) == set()


def test_an_optional_host_that_is_not_reached_is_a_warning(closed_port):
    target = ("127.0.0.1", closed_port, False)
    (finding,) = check_venues({"okx": [target]}, lambda said: None, GENEROUS_S, optional={("okx", target)})
    assert finding.verdict == "warn"
    assert "quotes come without it" in finding.advice


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("wss://h", ("h", 443, True)),
        ("ws://h", ("h", 80, False)),
        ("ws://[::1]:9000", ("::1", 9000, False)),
        ("https://h:8443/x", ("h", 8443, True)),
    ],
)
def test_a_url_leads_to_a_host_and_a_port(url, target):
    assert target_of(url) == target


def test_a_venue_that_takes_connections_is_ok_and_progress_says_so():
    said = []
    with server() as port:
        (finding,) = check_venues({"okx": [("127.0.0.1", port, False)]}, said.append, GENEROUS_S)
    assert (finding.check, finding.verdict) == ("okx", "ok")
    assert f"127.0.0.1:{port}: DNS " in finding.found
    assert len(said) == 1
    assert "(1 of 1)" in said[0]


def test_a_port_where_nobody_listens_is_a_failure(closed_port):
    (finding,) = check_venues({"okx": [("127.0.0.1", closed_port, False)]}, lambda said: None, GENEROUS_S)
    assert finding.verdict == "fail"
    assert "no connection" in finding.found
    assert "firewall" in finding.advice


def test_a_server_without_tls_is_a_failure_of_tls():
    with server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        (finding,) = check_venues({"okx": [("127.0.0.1", port, True)]}, lambda said: None, GENEROUS_S)
    assert finding.verdict == "fail"
    assert "no TLS" in finding.found


class Handshake:
    """In place of an SSLContext: a handshake that succeeds, or one that refuses the certificate."""

    def __init__(self, error=None):
        self._error, self.names = error, []

    @contextmanager
    def wrap_socket(self, connection, server_hostname):
        self.names.append(server_hostname)
        if self._error:
            raise self._error
        yield self

    def version(self):
        return "TLSv1.3"


def test_a_tls_handshake_is_made_in_the_name_of_the_host():
    handshake = Handshake()
    with server() as port:
        (finding,) = check_venues({"okx": [("localhost", port, True)]}, lambda said: None, GENEROUS_S, handshake)
    assert finding.verdict == "ok", finding
    assert "TLSv1.3" in finding.found
    assert handshake.names == ["localhost"]


def test_a_refused_certificate_says_why():
    refused = ssl.SSLCertVerificationError("no")
    refused.verify_message = "certificate has expired"
    with server() as port:
        (finding,) = check_venues(
            {"okx": [("127.0.0.1", port, True)]}, lambda said: None, GENEROUS_S, Handshake(refused)
        )
    assert "certificate refused: certificate has expired" in finding.found
    assert "clock" in finding.advice


def unresolvable(host, *arguments, **named):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


NAMED = {"okx": [("a.invalid", 443, True)], "kraken": [("b.invalid", 443, True)]}


def test_nothing_that_resolves_is_no_network(monkeypatch):
    monkeypatch.setattr(doctor_checks.socket, "getaddrinfo", unresolvable)
    findings = check_venues(NAMED, lambda said: None, GENEROUS_S)
    assert findings[0].check == "network"
    assert "no network" in findings[0].found
    assert verdicts(findings) == {"network": "fail", "okx": "fail", "kraken": "fail"}


def test_one_name_that_does_not_resolve_is_not_said_to_be_no_network(monkeypatch):
    real = socket.getaddrinfo
    with server() as port:

        def only_kraken(host, *arguments, **named):
            return unresolvable(host) if host == "a.invalid" else real("127.0.0.1", *arguments, **named)

        monkeypatch.setattr(doctor_checks.socket, "getaddrinfo", only_kraken)
        targets = {"okx": NAMED["okx"], "kraken": [("b.invalid", port, False)]}
        assert verdicts(check_venues(targets, lambda said: None, GENEROUS_S)) == {"okx": "fail", "kraken": "ok"}


def test_a_name_server_that_never_answers_holds_nothing_up(monkeypatch):
    released = threading.Event()

    def silent(host, *arguments, **named):
        released.wait(GENEROUS_S)
        return unresolvable(host)

    monkeypatch.setattr(doctor_checks.socket, "getaddrinfo", silent)
    try:
        findings = check_venues(NAMED, lambda said: None, 0.05)
    finally:
        released.set()
    assert "no network" in findings[0].found
    assert "no answer within 0.05 s" in findings[1].found


def test_a_second_address_is_tried_where_the_first_one_is_dead(monkeypatch):
    with server() as port:
        addresses = [("::1", port, 0, 0), ("127.0.0.1", port)]
        connect, resolve = socket.create_connection, socket.getaddrinfo

        def dead_at_first(address, timeout):
            if address[0] == "::1":
                raise OSError("unreachable")
            return connect(address, timeout)

        def both(host, *arguments, **named):
            if host == "name":
                return [(0, 0, 0, "", address) for address in addresses]
            return resolve(host, *arguments, **named)

        monkeypatch.setattr(doctor_checks.socket, "getaddrinfo", both)
        monkeypatch.setattr(doctor_checks.socket, "create_connection", dead_at_first)
        (finding,) = check_venues({"okx": [("name", port, False)]}, lambda said: None, GENEROUS_S)
    assert finding.verdict == "ok", finding


def test_a_venue_without_a_market_for_the_symbols_is_not_looked_for():
    assert check_venues({"kraken": []}, lambda said: None, GENEROUS_S) == []


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "user_config_path", lambda name: tmp_path / "users")
    monkeypatch.setattr(examination, "terminal_size", lambda: None)

    def invoke(toml, *arguments):
        Path("f.toml").write_text(toml)
        return CliRunner().invoke(app, ["--config", "f.toml", *arguments])

    return invoke


def test_doctor_ends_with_0_when_nothing_failed_and_keeps_progress_off_stdout(run):
    with simulated_venues("okx", "kraken") as venues:
        result = run(f"[redis]\nmode = 'off'\n{venues.table('okx')}{venues.table('kraken')}[quotes]\nUSD = 'USDT'")
    assert result.exit_code == 0, result.output
    assert "okx perp" in result.stdout and "kraken spot" in result.stdout
    assert "..." not in result.stdout
    assert "venues ..." in result.stderr and "(3 of 3 markets)" in result.stderr


def test_doctor_ends_with_1_when_something_failed(run, closed_port):
    result = run(
        f"[redis]\nmode = 'off'\n[venues.okx]\nws_url = 'ws://127.0.0.1:{closed_port}'\nrest_url = 'http://127.0.0.1:{closed_port}'",
        "--json",
    )
    assert result.exit_code == 1
    findings = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert findings["okx"]["verdict"] == "fail"
    assert findings["okx"]["advice"]
    assert {"config", "Redis", "clock", "open files", "CPUs", "terminal"} <= findings.keys()


def test_doctor_fails_on_settings_that_the_run_refuses_and_checks_the_rest(run):
    with simulated_venues("kraken") as venues:
        result = run(f"[redis]\nmode = 'off'\n{venues.table('kraken')}", "--json")
    assert result.exit_code == 1
    first, *others = json.loads(result.stdout)
    assert (first["check"], first["verdict"]) == ("config", "fail")
    assert "no route is possible on kraken" in first["found"] and "add a venue" in first["advice"]
    assert {"Redis", "clock", "kraken", "kraken spot"} <= {finding["check"] for finding in others}


def test_doctor_warns_of_a_symbol_in_no_route(run):
    with simulated_venues("okx", "kraken") as venues:
        tables = venues.table("okx") + venues.table("kraken")
        result = run(f"[redis]\nmode = 'off'\n{tables}[quotes]\nUSD = 'USDT'", "--json")
    assert result.exit_code == 0
    warned = [finding["found"] for finding in json.loads(result.stdout) if finding["verdict"] == "warn"]
    assert any("BTC/USDT:USDT on okx alone" in found for found in warned)


def test_doctor_ends_with_2_for_a_config_error(run):
    result = run("[redis]\nmode = 'of'")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean off?" in result.stderr


def test_what_was_found_is_shown_as_it_is_and_not_as_markup():
    table = findings_table([Finding("x", "ok", "[::1]:9000: [bold]")])
    (cell,) = table.columns[2].cells
    assert cell.plain == "[::1]:9000: [bold]"

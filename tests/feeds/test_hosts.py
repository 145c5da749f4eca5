"""After repeated failures a venue is looked for on its next host."""

from msgspec.structs import replace

from arbsniper_tui.feeds.hosts import Hosts
from arbsniper_tui.model.feed_spec import FeedSpec
from arbsniper_tui.model.instrument import Market

SPEC = FeedSpec("v spot", "v", Market.SPOT, "wss://a.example/ws", "https://a.example/list", ())
TWO = replace(SPEC, other_ws_urls=("wss://b.example:443/ws",))


def test_one_failure_changes_nothing_and_two_lead_to_the_next_host() -> None:
    hosts = Hosts(TWO)
    assert (hosts.url, hosts.words) == ("wss://a.example/ws", "")
    hosts.note_end(had_data=False)
    assert hosts.url == "wss://a.example/ws"
    hosts.note_end(had_data=False)
    assert (hosts.url, hosts.words) == ("wss://b.example:443/ws", "on b.example")


def test_a_connection_with_data_begins_the_count_anew() -> None:
    hosts = Hosts(TWO)
    for had_data in (False, True, False):
        hosts.note_end(had_data=had_data)
    assert hosts.words == ""


def test_after_the_last_host_comes_the_first() -> None:
    hosts = Hosts(TWO)
    for _ in range(4):
        hosts.note_end(had_data=False)
    assert hosts.words == ""


def test_a_venue_with_one_host_stays_there() -> None:
    hosts = Hosts(SPEC)
    for _ in range(5):
        hosts.note_end(had_data=False)
    assert (hosts.url, hosts.words) == ("wss://a.example/ws", "")

"""The codes by which a terminal tells an alert: which, how often, and nothing in them that steers it."""

import pytest

from arbsniper_tui.model.signal import Event
from arbsniper_tui.ui.notices import AT_MOST_EVERY_S, FRESH_MS, Notices, notification

XTERM = {"TERM": "xterm-256color"}


def alert(words: str = "big: BTC/USDT", *ways: str, timestamp: int = 0) -> Event:
    return Event(event="alert", seq=1, timestamp=timestamp, detail=words, to=ways or ("bell", "desktop"))


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        (XTERM, "\x1b]9;arbsniper: up; 1\a"),
        ({"TERM": "foot"}, "\x1b]777;notify;arbsniper;up, 1\a"),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;arbsniper;up, 1\a"),
        (XTERM | {"VTE_VERSION": "7600"}, "\x1b]777;notify;arbsniper;up, 1\a"),
        (XTERM | {"TMUX": "/tmp/tmux,1,0"}, "\x1bPtmux;\x1b\x1b]9;arbsniper: up; 1\a\x1b\\"),
        ({"TERM": "linux"}, ""),
        ({}, "\x1b]9;arbsniper: up; 1\a"),
    ],
)
def test_a_terminal_gets_the_code_that_it_reads(environ: dict[str, str], code: str) -> None:
    assert notification("up; 1", environ) == code


def test_words_cannot_end_the_code_or_begin_another() -> None:
    code = notification("a\x1b]0;title\a\x1b[2J\x9c\x9d\nb" + "x" * 1000, XTERM)
    inside = code.removeprefix("\x1b]9;arbsniper: ").removesuffix("\a")
    assert inside.isprintable() and len(inside) <= 200


def test_bell_and_notification_are_written_as_the_rule_says() -> None:
    for ways, code in ((("bell",), "\a"), (("desktop",), "\x1b]9;arbsniper: x\a"), ((), "\x1b]9;arbsniper: x\a\a")):
        notices = Notices(XTERM, lambda: 0.0)
        notices.take([alert("x", *ways)], 0.0)
        assert notices.due() == code
        assert notices.due() == ""


def test_many_alerts_make_one_notice_in_a_while_with_the_newest_and_their_number() -> None:
    now_s = [0.0]
    notices = Notices(XTERM, lambda: now_s[0])
    notices.take([alert("first", "desktop")], 0.0)
    assert "first" in notices.due()
    notices.take([alert(f"number {n}", "desktop") for n in range(50)], 0.0)
    now_s[0] = AT_MOST_EVERY_S - 0.01
    assert notices.due() == ""
    now_s[0] = AT_MOST_EVERY_S
    assert notices.due() == "\x1b]9;arbsniper: number 49 (and 49 more)\a"
    assert notices.due() == ""


def test_what_happened_before_the_viewer_came_is_not_told_by_the_bell() -> None:
    notices = Notices(XTERM, lambda: 0.0)
    notices.take([alert(timestamp=1000), Event(event="venue_up", seq=2, timestamp=1000)], 1000.0 + FRESH_MS)
    assert notices.due() == ""

"""A node that runs takes new settings: what it applies, what it refuses, and what stands in its way."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.model.errors import UsageError
from arbsniper_tui.session.session import Session
from arbsniper_tui.tools.settings import change_setting, reload_settings

SETTINGS = """
symbols = ["BTC/USDT"]
[redis]
mode = "off"
[signals]
threshold_pct = 0.5
max_quote_age_ms = 600000
[venues.binance]
{binance}
[venues.kraken]
{kraken}
"""

WITHIN_MS = round(DEADLINE_S * 1000)


class Stage:
    """A node on two venues, its file, and a viewer."""

    def __init__(self, start: Callable[..., RunningNode], folder: Path, binance: RawBinance, kraken: RawKraken) -> None:
        self.start = start
        self.binance, self.kraken = binance, kraken
        self.config = folder / "arbsniper.toml"
        self.text = SETTINGS.format(binance=binance.table, kraken=kraken.table)
        self.config.write_text(self.text)
        self.node = start("--config", str(self.config), demo=False)
        self.session: Session = self.node.session()
        self.node.watch(self.session, lambda: self.session.snapshot.status is not None)
        for venue in (binance, kraken):
            venue.wait_for_subscription()

    @property
    def endpoint(self) -> str:
        return str(self.node.sockets)

    def write(self, *changes: tuple[str, str], more: str = "") -> None:
        text = self.text
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        self.config.write_text(text + more)

    def reload(self) -> list[str]:
        """One line for each change."""
        return [change.in_words for change in reload_settings(self.endpoint, WITHIN_MS).changes]

    def tell(self, key: str, text: str, *, save: bool = False) -> list[str]:
        changed = change_setting(self.endpoint, key, text, save=save, within_ms=WITHIN_MS)
        return [change.in_words for change in changed.changes]

    def threshold(self) -> float | None:
        self.session.pull()
        return self.session.snapshot.status and self.session.snapshot.status.threshold_pct

    def symbols(self) -> set[str]:
        self.session.pull()
        intro = self.session.snapshot.intro
        return {each.symbol for each in intro.instruments} if intro else set()

    def fees_of(self, venue: str) -> set[float]:
        self.session.pull()
        intro = self.session.snapshot.intro
        return {each.taker_fee_pct for each in intro.instruments if each.venue == venue} if intro else set()


@pytest.fixture
def stage(start_node: Callable[..., RunningNode], tmp_path: Path) -> Iterator[Stage]:
    with RawBinance() as binance, RawKraken() as kraken:
        stage = Stage(start_node, tmp_path, binance, kraken)
        with closing(stage.session):
            yield stage


def command(stage: Stage, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "arbsniper_tui.cli.main", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(stage.node.folder)},
    )


def test_each_change_is_said_with_what_became_of_it(stage: Stage) -> None:
    assert stage.reload() == []
    stage.write(
        ("threshold_pct = 0.5", "threshold_pct = 0.75"),
        ('symbols = ["BTC/USDT"]', 'symbols = ["BTC/USDT", "ETH/USDT"]'),
        ('mode = "off"', 'mode = "embedded"'),
        ("[venues.kraken]", "[venues.kraken]\ntaker_fee_pct = 0.25"),
    )
    assert stage.reload() == [
        "symbols: BTC/USDT -> BTC/USDT, ETH/USDT: applied",
        "signals.threshold_pct: 0.5 -> 0.75: applied",
        "venues.kraken.taker_fee_pct: none -> 0.25: applied",
        'redis.mode: "off" -> "embedded": needs a restart',
    ]
    wait_until(lambda: stage.threshold() == 0.75 and stage.symbols() == {"BTC/USDT", "ETH/USDT"})
    wait_until(lambda: any("ETHUSDT" in text.upper() for text in stage.binance.heard))
    assert len(stage.binance.connections) == len(stage.kraken.connections) == 1, "the same connections carry it"
    wait_until(lambda: stage.fees_of("kraken") == {0.25})
    assert stage.reload() == ['redis.mode: "off" -> "embedded": needs a restart']


SPOILED: tuple[tuple[Callable[[Path], object], str], ...] = (
    (lambda file: file.write_text(file.read_text()[:40]), "arbsniper.toml"),
    (lambda file: file.write_text('symbols = ["BTC/USDT"]\n[signals]\nthreshold_pct = much'), "line 3, column"),
    (lambda file: file.write_text("[signals]\nthreshold = 1"), "did you mean signals.threshold_pct"),
    (lambda file: file.write_text('symbols = ["BTC"]'), "symbol 'BTC': expected BASE/QUOTE"),
    (lambda file: file.write_text("[venues.binance]"), "no route is possible"),
    (lambda file: file.write_bytes(b"\xff\xfe" * 100), "not UTF-8"),
    (lambda file: file.write_text("# huge\n" * 200_000), "found more than 1048576 bytes"),
    (lambda file: file.unlink(), "No such file"),
    (lambda file: file.mkdir(), "no regular file"),
    (lambda file: (file.rmdir(), os.mkfifo(file)), "no regular file"),
)
"""What is done to the file, one after the other, and what is said of it."""


def test_a_wrong_file_changes_nothing_and_says_why(stage: Stage) -> None:
    for number, (spoil, words) in enumerate(SPOILED, 1):
        spoil(stage.config)
        with pytest.raises(UsageError, match=re.escape(words)):
            stage.reload()
        assert stage.node.log.count("settings stay as they are") == number
        # What viewers set does not depend on the file.
        assert len(stage.tell("signals.hysteresis_pct", f"0.0{number}")) == 1
    assert stage.threshold() == 0.5 and stage.symbols() == {"BTC/USDT"}
    assert stage.tell("signals.threshold_pct", "0.6") == ["signals.threshold_pct: 0.5 -> 0.6: applied"]
    wait_until(lambda: stage.threshold() == 0.6)


def test_reloads_at_the_same_time_are_all_answered(stage: Stage) -> None:
    stage.write(("threshold_pct = 0.5", "threshold_pct = 0.7"))
    answers: list[list[str]] = []
    threads = [threading.Thread(target=lambda: answers.append(stage.reload())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        stage.node.process.send_signal(signal.SIGHUP)
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    wait_until(lambda: stage.threshold() == 0.7)
    assert sum(map(len, answers)) <= 1, "it changed once"


def test_a_reload_during_the_start_is_made_after_it(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    with RawBinance() as binance, RawKraken() as kraken:
        config = tmp_path / "arbsniper.toml"
        config.write_text(SETTINGS.format(binance=binance.table, kraken=kraken.table))
        node = start_node("--config", str(config), demo=False)
        node.wait_for(lambda: "feed: process" in node.log)
        for _ in range(5):
            node.process.send_signal(signal.SIGHUP)
        node.wait_for(lambda: "settings: read again, 0 changes" in node.log)
        assert node.stop() == 0


@pytest.mark.parametrize("worker", ["feed", "spread"])
def test_a_worker_that_is_stopped_goes_by_it_when_it_runs_again(stage: Stage, worker: str) -> None:
    os.kill(stage.node.pid(worker), signal.SIGSTOP)
    try:
        stage.write(
            ('symbols = ["BTC/USDT"]', 'symbols = ["BTC/USDT", "ETH/USDT"]'),
            ("threshold_pct = 0.5", "threshold_pct = 0.7"),
        )
        changed = reload_settings(stage.endpoint, WITHIN_MS)
        assert len(changed.changes) == 2
        assert any(note.startswith(f"{worker} did not answer yet") for note in changed.notes), changed.notes
        # Another one, while the first still lies there.
        stage.write(
            ('symbols = ["BTC/USDT"]', 'symbols = ["BTC/USDT", "LTC/USDT"]'),
            ("threshold_pct = 0.5", "threshold_pct = 0.8"),
        )
        stage.node.process.send_signal(signal.SIGHUP)
        stage.node.wait_for(lambda: "-> 0.8: applied" in stage.node.log)
    finally:
        os.kill(stage.node.pid(worker), signal.SIGCONT)
    wait_until(lambda: stage.threshold() == 0.8 and stage.symbols() == {"BTC/USDT", "LTC/USDT"})


@pytest.mark.parametrize("worker", ["feed", "spread"])
def test_a_worker_that_dies_begins_with_the_newest_settings(stage: Stage, worker: str) -> None:
    before = stage.node.pid(worker)
    os.kill(before, signal.SIGSTOP)
    stage.write(
        ('symbols = ["BTC/USDT"]', 'symbols = ["BTC/USDT", "ETH/USDT"]'), ("threshold_pct = 0.5", "threshold_pct = 0.7")
    )
    stage.node.process.send_signal(signal.SIGHUP)
    stage.node.wait_for(lambda: "settings: read again, 2 changes" in stage.node.log)
    os.kill(before, signal.SIGKILL)
    stage.node.wait_for(lambda: stage.node.pid(worker) != before)
    wait_until(
        lambda: stage.threshold() == 0.7 and stage.symbols() == {"BTC/USDT", "ETH/USDT"},
        lambda: (stage.threshold(), stage.symbols(), stage.node.log[-3000:]),
    )
    wait_until(lambda: any("ETHUSDT" in text.upper() for text in stage.binance.heard))


def test_what_viewers_set_outlives_a_reload_that_does_not_touch_it(stage: Stage) -> None:
    stage.session.set_threshold(0.9)
    wait_until(lambda: stage.threshold() == 0.9)
    stage.write(("max_quote_age_ms = 600000", "max_quote_age_ms = 500000"))
    assert stage.reload() == ["signals.max_quote_age_ms: 600000.0 -> 500000.0: applied"]
    intro_age = lambda: (stage.session.pull(), stage.session.snapshot.intro)[1]  # noqa: E731 - read at each look
    wait_until(lambda: (intro := intro_age()) is not None and intro.max_quote_age_ms == 500_000)
    assert stage.threshold() == 0.9
    stage.tell("signals.hysteresis_pct", "0.1")
    stage.write(("threshold_pct = 0.5", "threshold_pct = 0.7"))
    assert "signals.threshold_pct: 0.5 -> 0.7: applied" in stage.reload()
    wait_until(lambda: stage.threshold() == 0.7)
    assert stage.tell("signals.hysteresis_pct", "0.1") == [], "the reload has left it"


def test_what_is_saved_outlives_the_run_and_nothing_else_does(stage: Stage) -> None:
    stage.tell("signals.threshold_pct", "0.8", save=True)
    stage.tell("signals.min_life_ms", "7")
    assert stage.node.stop() == 0
    (saved,) = stage.node.folder.glob("state/arbsniper-tui/*/settings.toml")
    assert saved.stat().st_mode & 0o777 == 0o600
    again = RunningNode(stage.node.folder, ("--config", str(stage.config), "--no-ui"))
    try:
        with closing(again.session()) as session:
            again.watch(session, lambda: session.snapshot.status is not None)
            assert session.snapshot.status is not None and session.snapshot.status.threshold_pct == 0.8
            changed = change_setting(str(again.sockets), "signals.min_life_ms", "0", save=False, within_ms=WITHIN_MS)
            assert changed.changes == (), "it ended with the run"
            stage.write(("threshold_pct = 0.5", "threshold_pct = 0.7"))
            told = reload_settings(str(again.sockets), WITHIN_MS)
            assert told.changes == ()
            assert any("does not count" in note and str(saved) in note for note in told.notes), told.notes
        assert again.stop() == 0
    finally:
        again.close()


def test_the_commands_say_what_was_done_by_words_and_exit_code(stage: Stage) -> None:
    done = command(stage, "config", "set", "signals.threshold_pct", "0.65", "--node", stage.endpoint)
    assert (done.returncode, done.stdout) == (0, "signals.threshold_pct: 0.5 -> 0.65: applied\n"), done.stderr
    stage.config.write_text("no toml")
    refused = command(stage, "config", "reload", str(stage.node.process.pid))
    assert refused.returncode == 2 and refused.stdout == "" and "line 1, column" in refused.stderr
    absent = command(stage, "config", "reload", "1")
    assert absent.returncode == 2 and "no node at 1" in absent.stderr


def test_secrets_are_in_no_answer_and_no_line(stage: Stage) -> None:
    secret = "correct-horse-battery"
    hook = f'[alerts.targets.hook]\nwebhook = "http://127.0.0.1:1/{secret}"\nsecret = "{secret}"\n'
    more = f'[alerts.rules.wide]\nto = ["hook"]\n{hook}'
    stage.write(('mode = "off"', f'mode = "url"\nurl = "redis://me:{secret}@127.0.0.1:1/0"'), more=more)
    told = reload_settings(stage.endpoint, WITHIN_MS)
    assert [each.key for each in told.changes if each.key.startswith("redis")] == ["redis.url", "redis.mode"]
    assert secret not in str(told) + stage.node.log

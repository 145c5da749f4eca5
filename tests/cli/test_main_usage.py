"""Options, help and refusals: what the command says, where it says it, and with which exit code."""

import pytest

VERBS = ("record", "attach", "api", "replay", "decode", "doctor", "venues", "bench")
NODE_OPTIONS = (
    *("--config", "--symbol", "--venue", "--threshold", "--redis-url", "--api"),
    *("--log-level", "--log-format", "--log-file", "--log-max-mib"),
)


def refused(done) -> str:
    """The message of a command that refused: exit code 2, and nothing on stdout."""
    assert (done.returncode, done.stdout) == (2, b""), done
    message = done.stderr.decode()
    assert message.strip() and "Traceback" not in message
    return message


def test_version_is_one_line_on_stdout(place):
    done = place.run("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    name, version = done.stdout.decode().split()
    assert name == "arbsniper-tui" and version[0].isdigit()


def test_the_help_names_every_verb_option_and_exit_code(place):
    done = place.run("--help")
    text = done.stdout.decode()
    assert done.returncode == 0
    for word in (*VERBS, "config", *NODE_OPTIONS, "--demo", "--no-ui", "--version", "Exit codes", "0", "1", "2", "3"):
        assert word in text, word
    assert "0.5" in text, "the threshold that holds without the option"
    assert "info" in text, "the log level that holds without the option"


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_tells_its_exit_codes(place, verb):
    done = place.run(verb, "--help")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "Usage: arbsniper-tui" in text and verb in text
    assert "exit code" in text.lower()
    # What 1 means to doctor stands in its own words.
    assert ("internal fault" in text) == (verb != "doctor")


def test_the_help_of_replay_tells_its_defaults_and_forms(place):
    text = place.run("replay", "-h").stdout.decode()
    for words in ("default: 1", "VENUE=FILE", "VENUE:perp=FILE", "Redis is left alone"):
        assert words in text, words


def test_an_unknown_option_is_refused_by_name(place):
    assert "--treshold" in refused(place.run("--treshold", "1"))


def test_an_unknown_verb_is_refused_with_the_nearest(place):
    message = refused(place.run("attac"))
    assert "attac" in message and "attach" in message


def test_options_before_a_verb_are_refused(place):
    message = refused(place.run("--demo", "--threshold", "1", "venues"))
    assert "--demo" in message and "--threshold" in message and "venues" in message


@pytest.mark.parametrize("given", ["x", "-1", "101", "nan", "1,5,0", "1_0", "٣"])
def test_a_bad_threshold_is_refused_by_its_option(place, given):
    message = refused(place.run("--no-ui", "--threshold", given))
    assert message.startswith("--threshold") and given in message and "0.5" in message


def test_an_unknown_venue_is_refused_with_the_nearest(place):
    message = refused(place.run("--no-ui", "--venue", "binnance"))
    assert "--venue" in message and "did you mean binance" in message


def test_a_symbol_of_another_form_is_refused_with_the_right_one(place):
    message = refused(place.run("--no-ui", "--symbol", "BTCUSDT"))
    assert "--symbol" in message and "did you mean BTC/USDT" in message


def test_settings_that_can_signal_nothing_are_refused_and_recorded_all_the_same(place):
    assert "no route is possible on okx" in refused(place.run("--no-ui", "--venue", "okx"))
    perp_on_kraken = ("--venue", "kraken", "--symbol", "BTC/USDT:USDT")
    for verb in ((), ("record", "tapes")):
        assert "--symbol: symbols: found" in refused(place.run(*verb, "--no-ui", *perp_on_kraken))
    node = place.start_node("record", "tapes", "--no-ui", "--demo", "--venue", "okx")
    place.wait_for(lambda: "no route is possible on okx" in node.err, "the warning")
    assert node.end() == 0


def test_an_unknown_key_is_refused_with_file_and_nearest(place):
    (place.folder / "arbsniper.toml").write_text("[signals]\ntreshold_pct = 1\n")
    message = refused(place.run("--no-ui"))
    assert "arbsniper.toml" in message and "treshold_pct" in message and "did you mean" in message
    assert "threshold_pct" in message


def test_a_config_that_is_not_there_is_refused_by_name(place):
    assert "nowhere.toml" in refused(place.run("--no-ui", "--config", "nowhere.toml"))


def test_an_unknown_log_level_is_refused_with_those_there_are(place):
    message = refused(place.run("--no-ui", "--demo", "--log-level", "loud"))
    assert "--log-level" in message and "warning" in message


def test_a_log_file_that_cannot_be_written_is_refused(place):
    message = refused(place.run("--no-ui", "--demo", "--log-file", "no/such/folder/log"))
    assert "--log-file" in message and "no/such/folder/log" in message


def test_without_a_terminal_the_ui_says_how_to_go_on(place):
    message = refused(place.run("--demo"))
    assert "terminal" in message and "--no-ui" in message


def test_a_redis_url_that_is_none_is_refused_with_its_form(place):
    message = refused(place.run("--no-ui", "--redis-url", "127.0.0.1"))
    assert "--redis-url" in message and "redis://" in message

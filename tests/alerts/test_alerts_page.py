"""docs/alerts.md: its settings can be loaded, and its Python verifies what a webhook sends."""

import re
import time
from pathlib import Path
from typing import Any

from alert_stage import make_alert
from http_target import http_target

from arbsniper_tui.alerts.alert import message_of
from arbsniper_tui.alerts.webhook import webhook
from arbsniper_tui.config.load import load_settings

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()


def block(language: str) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0]


def test_the_example_is_a_file_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "arbsniper.toml"
    path.write_text(block("toml"))
    alerts = load_settings(path, {}, {}).settings.alerts
    assert alerts.rules.keys() == {"every", "big", "lasting", "high", "funding", "outage"}
    assert alerts.targets.keys() == {"phone", "bot"}


async def test_the_example_of_a_receiver_tells_genuine_messages_from_others() -> None:
    shown: dict[str, Any] = {}
    exec(block("python"), shown)
    is_genuine = shown["is_genuine"]
    with http_target(200) as target:
        url = f"http://127.0.0.1:{target.port}/"
        await webhook(url, "word")(message_of(make_alert()), "1")
        await webhook(url, "word", wall_s=lambda: time.time() - 3600)(message_of(make_alert()), "1")
        now, old = target.received
    assert is_genuine(b"word", now.headers, now.body)
    assert not is_genuine(b"another", now.headers, now.body)
    assert not is_genuine(b"word", now.headers, now.body + b" ")
    assert not is_genuine(b"word", old.headers, old.body)

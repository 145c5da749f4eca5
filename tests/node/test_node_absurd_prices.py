"""A whole node: a spread that cannot be makes no signal, says why, and the cap on it is a setting."""

from collections.abc import Callable
from pathlib import Path

import pytest
from node_process import RunningNode
from raw_venues import RawBinance, RawKraken
from test_node_old_states import SETTINGS

from arbsniper_tui.model.reason import reason_words

StartNode = Callable[..., RunningNode]


@pytest.mark.parametrize(("max_spread_pct", "signals"), [(None, []), (30, [25.0])])
def test_a_spread_above_the_cap_makes_no_signal(
    start_node: StartNode, tmp_path: Path, max_spread_pct: int | None, signals: list[float]
) -> None:
    with RawBinance() as binance, RawKraken() as kraken:
        text = SETTINGS.format(max_age_ms=5000, binance=binance.table, kraken=kraken.table)
        if max_spread_pct is not None:
            text = text.replace("[signals]", f"[signals]\nmax_spread_pct = {max_spread_pct}")
        config = tmp_path / "arbsniper.toml"
        config.write_text(text)
        node = start_node("--config", str(config), demo=False)
        session = node.session()
        for venue in (binance, kraken):
            venue.wait_for_subscription()

        def is_judged() -> bool:
            binance.send(binance.quote(999.0, 1000.0))
            kraken.send(kraken.quote(1250.0, 1251.0))
            row = next((row for row in session.snapshot.routes if row.spread_pct == 25.0), None)
            return row is not None and (bool(node.lines) if signals else "max_spread_pct" in reason_words(row.reason))

        node.watch(session, is_judged)
        assert [line["spread_pct"] for line in node.lines] == signals
        session.close()

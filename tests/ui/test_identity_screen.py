"""The screen of coins in quarantine: the selection, the evidence, and the one key for a verdict."""

from msgspec import structs

from arbsniper_tui.model.verdict import Judgement, Verdict
from arbsniper_tui.ui.screens.identity import IdentityScreen, evidence_lines
from tests.ui import builder
from tests.ui.played import after, begin
from tests.ui.terminal import shown


async def test_v_opens_the_screen_and_asks_for_a_verdict_on_the_selected_coin() -> None:
    view, app = begin(builder.held_snapshot())
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "v")
        assert isinstance(app.screen, IdentityScreen)
        assert "okx ETH/USDT is" in shown(app)
        await after(pilot, *"different", "enter")
        assert view.verdicts == [("okx", "ETH/USDT", "different", 1)]


async def test_a_power_of_ten_is_suggested_as_the_multiplier() -> None:
    view, app = begin(builder.held_snapshot())
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "i", "down")
        assert "a power of ten: it may be sold by the 1000" in shown(app)
        await after(pilot, "v", "enter")
        assert view.verdicts == [("binance", "SOL/USDT", "multiplier", 1000)]


async def test_what_is_no_verdict_stays_in_the_prompt_with_what_is_expected() -> None:
    view, app = begin(builder.held_snapshot())
    async with app.run_test(size=(120, 30)) as pilot:
        await after(pilot, "v", *"maybe", "enter")
        assert "verdict 'maybe': expected same, different, or multiplier=N" in shown(app)
        await after(pilot, "escape")
        assert view.verdicts == []


async def test_without_a_held_coin_the_screen_says_so_and_v_asks_for_nothing() -> None:
    view, app = begin()
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "v")
        assert "no coin is held" in shown(app)
        assert view.verdicts == []
        await after(pilot, "escape")
        assert not isinstance(app.screen, IdentityScreen)


async def test_the_selection_stays_with_its_coin_when_one_above_it_goes() -> None:
    view, app = begin(builder.held_snapshot())
    async with app.run_test(size=(100, 30)) as pilot:
        await after(pilot, "i", "down")
        view.snapshot.held = view.snapshot.held[1:]
        view.coming.held = True
        app.tick()
        await after(pilot, "v", "enter")
        assert view.verdicts == [("binance", "SOL/USDT", "multiplier", 1000)]


def test_what_was_said_before_stands_with_the_evidence() -> None:
    built = builder.held_snapshot()
    said = Verdict("okx", "ETH/USDT", Judgement.SAME, 1, 0.9, "2026-11-22 09:30")
    lines = evidence_lines(built, structs.replace(built.held[0], verdict=said))
    assert any("you said same coin at 0.9 x its peers, 2026-11-22 09:30" in line[0][0] for line in lines if line)

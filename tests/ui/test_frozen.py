"""What a frozen view still tells as it is now."""

from msgspec import structs

from arbsniper_tui.model.health import RecordingHealth, RedisHealth, RedisState
from tests.ui import builder
from tests.ui.played import after, begin
from tests.ui.terminal import lines_of, shown


async def test_a_recording_that_fails_while_the_view_is_frozen_is_told() -> None:
    built = builder.snapshot()
    built.recording = RecordingHealth("/srv/tapes", 120_400, 8_400_000)
    view, app = begin(built)
    async with app.run_test(size=(120, 30)) as pilot:
        await after(pilot, "5", "space")
        assert "● REC" in lines_of(app)[1]
        view.snapshot.recording = structs.replace(built.recording, failure="No space left on device")
        view.coming.feeds = True
        app.tick()
        await after(pilot)
        assert "NOT RECORDING  No space left on device" in lines_of(app)[1]
        await after(pilot, "1", "5")
        assert "NOT RECORDING  No space" in shown(app).split("Node", 1)[1]


async def test_a_redis_that_goes_away_while_the_view_is_frozen_is_told() -> None:
    view, app = begin()
    async with app.run_test(size=(120, 30)) as pilot:
        await after(pilot, "space")
        view.snapshot.redis = RedisHealth(RedisState.AWAY, "url", "127.0.0.1:6379", waiting=12)
        view.coming.redis = True
        app.tick()
        await after(pilot)
        assert "redis away, 12 waiting" in lines_of(app)[1]
        assert "FROZEN" in lines_of(app)[1]

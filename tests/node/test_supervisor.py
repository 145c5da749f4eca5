"""The supervisor with processes and a clock of paper."""

from collections.abc import Iterator

import msgspec
import pytest

from arbsniper_tui.model.errors import WorkerLost
from arbsniper_tui.model.health import WorkerHealth
from arbsniper_tui.node.supervisor import Supervisor, Timings, WorkerSpec
from arbsniper_tui.runtime.heartbeat import Heartbeat

TIMINGS = Timings(stop_within_s=0.05)


class Nothing(msgspec.Struct):
    pass


class PaperProcess:
    def __init__(self, name: str, pid: int, stubborn: bool, heartbeat: int | None) -> None:
        self.name = name
        self.heartbeat = Heartbeat(heartbeat) if heartbeat is not None else None
        self.pid = pid
        self.code: int | None = None
        self.orders: list[str] = []
        self.plans: list[msgspec.Struct] = []
        self._stubborn = stubborn

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.orders.append("terminate")
        if not self._stubborn and self.code is None:
            self.code = 0

    def kill(self) -> None:
        self.orders.append("kill")
        self.code = -9

    def hang_up(self) -> None:
        self.orders.append("hang up")

    def put_plan(self, plan: msgspec.Struct) -> None:
        self.plans.append(plan)


class Office:
    """A supervisor, whom it started, and what it told."""

    def __init__(self, timings: Timings = TIMINGS) -> None:
        self.now_s = 0.0
        self.processes: list[PaperProcess] = []
        self.specs: list[WorkerSpec] = []
        self.told: list[WorkerHealth] = []
        self.stubborn: set[str] = set()
        self.supervisor = Supervisor(self._spawn, self.told.append, timings, lambda: self.now_s)

    def _spawn(self, spec: WorkerSpec, heartbeat: int | None) -> PaperProcess:
        process = PaperProcess(spec.name, 100 + len(self.processes), spec.name in self.stubborn, heartbeat)
        self.processes.append(process)
        self.specs.append(spec)
        return process

    def start(self, name: str, *, may_end: bool = False) -> PaperProcess:
        self.supervisor.start(WorkerSpec(name, "module", Nothing(), may_end=may_end))
        return self.processes[-1]

    def die(self, code: int = -9) -> None:
        """The last process that was started ends, and the supervisor looks."""
        self.processes[-1].code = code
        self.supervisor.poll()

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.supervisor.poll()

    def run(self, seconds: float, *beating: PaperProcess) -> None:
        """Time passes, and the supervisor looks once a second; these workers show signs of life."""
        for _ in range(round(seconds)):
            for process in beating:
                assert process.heartbeat is not None
                process.heartbeat.beat()
            self.wait(1.0)

    def live_through_a_death(self) -> None:
        self.die()
        self.wait(5.01)


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    office.supervisor.stop()


def test_a_worker_is_told_to_be_up_when_it_starts(office: Office) -> None:
    process = office.start("feed")
    assert office.told == [WorkerHealth("feed", process.pid, up=True)]
    assert office.supervisor.pids == {"feed": process.pid}


@pytest.mark.parametrize(
    ("code", "how"), [(-9, "ended by signal 9"), (1, "ended with code 1"), (0, "ended with code 0")]
)
def test_a_death_is_told_with_its_cause_and_what_follows(office: Office, code: int, how: str) -> None:
    process = office.start("feed")
    office.die(code)
    down = office.told[-1]
    assert (down.name, down.pid, down.up, down.restarts) == ("feed", process.pid, False, 0)
    assert down.detail == f"{how}; starts again in 0.1 s"
    assert office.supervisor.pids == {}
    assert process.orders == ["hang up"]


def test_it_starts_again_when_its_time_has_come_and_not_before(office: Office) -> None:
    office.start("feed")
    office.die()
    office.wait(0.09)
    assert len(office.processes) == 1
    office.wait(0.02)
    assert len(office.processes) == 2
    assert office.told[-1] == WorkerHealth("feed", office.processes[-1].pid, up=True, restarts=1)


def test_each_death_doubles_the_wait_up_to_5_s(office: Office) -> None:
    office.start("feed")
    for wait_s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0):
        office.die()
        assert office.told[-1].detail.endswith(f"starts again in {wait_s:.1f} s")
        started = len(office.processes)
        office.wait(wait_s - 0.01)
        assert len(office.processes) == started
        office.wait(0.02)
        assert len(office.processes) == started + 1


def test_who_dies_too_often_within_a_minute_is_given_up(office: Office) -> None:
    office.start("other")
    office.start("feed")
    for _ in range(TIMINGS.deaths_allowed):
        office.live_through_a_death()
    with pytest.raises(WorkerLost, match="^feed ended with code 7, and 9 times within 60 s"):
        office.die(7)


def test_one_that_is_not_needed_is_started_again_for_ever_and_ends_nothing(office: Office) -> None:
    office.supervisor.start(WorkerSpec("alerts", "module", Nothing(), is_needed=False))
    for _ in range(100):
        office.die()
        office.wait(TIMINGS.longest_delay_s)
        assert office.processes[-1].code is None
    assert len(office.processes) == 101
    assert not any(each.is_needed for each in office.told)


def test_deaths_that_lie_further_apart_are_never_too_many(office: Office) -> None:
    office.start("feed")
    for _ in range(5 * TIMINGS.deaths_allowed):
        office.die()
        office.wait(TIMINGS.deaths_within_s / TIMINGS.deaths_allowed + 0.01)
    assert office.told[-1].up
    assert office.told[-1].restarts == 5 * TIMINGS.deaths_allowed


def test_old_deaths_shorten_the_wait_again(office: Office) -> None:
    office.start("feed")
    for _ in range(5):
        office.live_through_a_death()
    office.wait(TIMINGS.deaths_within_s + 1)
    office.die()
    assert office.told[-1].detail.endswith("starts again in 0.1 s")


def test_one_that_dies_disturbs_no_other(office: Office) -> None:
    spread = office.start("spread")
    office.start("feed")
    office.live_through_a_death()
    assert office.supervisor.pids == {"spread": spread.pid, "feed": office.processes[-1].pid}
    assert spread.orders == []


def test_one_whose_end_is_its_purpose_ends_in_peace(office: Office) -> None:
    office.start("tape", may_end=True)
    told = len(office.told)
    office.die(0)
    office.wait(100)
    assert len(office.processes) == 1
    assert len(office.told) == told


@pytest.mark.parametrize("code", [1, -9])
def test_one_whose_end_is_its_purpose_is_not_begun_again_after_another_end(office: Office, code: int) -> None:
    office.start("tape", may_end=True)
    with pytest.raises(WorkerLost, match="^tape ended .*cannot begin again"):
        office.die(code)
    assert len(office.processes) == 1


def test_who_has_just_begun_to_listen_is_told_of_all_others_that_run(office: Office) -> None:
    office.start("sim")
    office.start("spread")
    office.start("feed")
    office.die()
    office.told.clear()
    office.supervisor.tell_all_but("spread")
    assert [(worker.name, worker.up) for worker in office.told] == [("sim", True)]


def test_stopping_asks_all_and_kills_nobody_who_listens(office: Office) -> None:
    office.start("sim")
    office.start("feed")
    office.supervisor.stop()
    assert [process.orders for process in office.processes] == [["hang up", "terminate"]] * 2
    assert office.supervisor.pids == {}


def test_stopping_kills_the_stubborn_when_the_time_is_over(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.stubborn.add("feed")
    office.start("sim")
    office.start("feed")
    office.supervisor.stop()
    assert [process.orders[-1] for process in office.processes] == ["terminate", "kill"]
    assert "feed did not stop within" in caplog.text


def test_one_that_cannot_even_be_killed_does_not_hold_up_the_end(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.stubborn.add("feed")
    feed = office.start("feed")
    feed.kill = lambda: feed.orders.append("kill")  # type: ignore[method-assign]  # it waits for a disk, say
    office.supervisor.stop()
    assert feed.orders[-1] == "kill"
    assert "feed cannot be ended" in caplog.text


def test_nobody_starts_again_after_the_stop(office: Office) -> None:
    office.start("feed")
    office.die()
    office.supervisor.stop()
    office.wait(100)
    assert len(office.processes) == 1
    assert office.supervisor.pids == {}


def test_stopping_twice_is_no_harm(office: Office) -> None:
    process = office.start("feed")
    office.supervisor.stop()
    office.supervisor.stop()
    assert process.orders == ["hang up", "terminate"]


class TestHungWorkers:
    def test_a_worker_without_a_sign_of_life_for_10_s_is_killed_and_started_again(self, office: Office) -> None:
        feed, spread = office.start("feed"), office.start("spread")
        office.run(20, feed, spread)
        assert not feed.orders
        office.run(10, spread)
        assert not feed.orders
        office.run(1, spread)
        assert (feed.orders, spread.orders) == (["kill"], [])
        office.wait(0.01)
        down = office.told[-1]
        assert (down.name, down.up, down.detail) == (
            "feed",
            False,
            "did not answer for 10 s and was killed; starts again in 0.1 s",
        )
        office.wait(0.2)
        assert office.processes[-1].name == "feed" and office.told[-1].restarts == 1
        office.run(30, office.processes[-1], spread)
        assert office.processes[-1].orders == spread.orders == []

    def test_it_is_killed_once(self, office: Office) -> None:
        feed = office.start("feed")
        office.run(1, feed)
        feed.kill = lambda: feed.orders.append("kill")  # type: ignore[method-assign]  # it does not end, as in a hung disk
        office.run(60)
        assert feed.orders == ["kill"]
        feed.code = -9

    def test_a_worker_that_starts_has_60_s(self, office: Office) -> None:
        feed = office.start("feed")
        office.run(60)
        assert not feed.orders
        office.run(1)
        assert feed.orders == ["kill"]
        office.wait(0.01)
        assert office.told[-1].detail.startswith("did not answer for 60 s")

    def test_the_one_that_follows_has_60_s_again(self, office: Office) -> None:
        feed = office.start("feed")
        office.run(5, feed)
        office.run(11)
        office.wait(0.5)
        office.run(59)
        assert len(office.processes) == 2 and not office.processes[-1].orders

    def test_after_a_pause_of_the_supervisor_itself_the_count_begins_anew(self, office: Office) -> None:
        feed = office.start("feed")
        office.run(5, feed)
        office.run(9)
        office.wait(3600)
        office.run(10)
        assert not feed.orders
        office.run(1)
        assert feed.orders == ["kill"]

    def test_one_whose_end_is_its_purpose_may_be_silent_for_as_long_as_it_likes(self, office: Office) -> None:
        tape = office.start("tape", may_end=True)
        office.run(600)
        assert tape.heartbeat is None and not tape.orders

    def test_hangs_count_as_deaths(self) -> None:
        office = Office(Timings(deaths_allowed=2))
        office.start("feed")
        with pytest.raises(WorkerLost, match="^feed did not answer for 10 s and was killed, and 3 times within 60 s"):
            for _ in range(3):
                office.run(1, office.processes[-1])
                office.run(12)
                office.wait(1.0)
        office.supervisor.stop()


def test_all_have_begun_once_each_worker_that_is_needed_has_shown_a_sign_of_life(office: Office) -> None:
    feed, spread = office.start("feed"), office.start("spread")
    office.start("tape", may_end=True)
    office.supervisor.start(WorkerSpec("alerts", "module", Nothing(), is_needed=False))
    office.run(2, feed)
    assert not office.supervisor.have_all_begun
    office.run(1, spread)
    assert office.supervisor.have_all_begun


class Numbered(msgspec.Struct):
    number: int


def test_a_worker_that_runs_is_handed_a_plan_when_it_has_taken_the_one_before() -> None:
    office = Office()
    feed = office.start("feed")
    heart = feed.heartbeat
    assert heart is not None
    for number in (1, 2, 3):
        office.supervisor.change_plan("feed", Numbered(number))
    office.supervisor.poll()
    assert feed.plans == [Numbered(3)] and office.supervisor.behind == ["feed"]
    office.supervisor.change_plan("feed", Numbered(4))
    office.supervisor.poll()
    assert feed.plans == [Numbered(3)], "it may be reading that one"
    heart.taken = heart.given
    office.supervisor.poll()
    assert feed.plans == [Numbered(3), Numbered(4)]
    heart.taken = heart.given
    assert office.supervisor.behind == []


def test_a_worker_that_died_begins_with_the_newest_plan() -> None:
    office = Office()
    feed = office.start("feed")
    office.supervisor.change_plan("feed", Numbered(1))
    feed.code = -9
    office.supervisor.poll()
    assert office.supervisor.behind == ["feed"]
    office.now_s = 10.0
    office.supervisor.poll()
    assert office.specs[-1].plan == Numbered(1)
    office.supervisor.poll()
    assert office.processes[-1].plans == [] and office.supervisor.behind == []


def test_a_level_of_the_log_reaches_workers_of_later_too() -> None:
    office = Office()
    feed = office.start("feed")
    office.supervisor.set_log_level(10)
    spread = office.start("spread")
    assert [each.heartbeat.log_level for each in (feed, spread) if each.heartbeat is not None] == [10, 10]

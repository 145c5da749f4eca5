"""A session with a node played by hand: the whole state, then changes; what is lost is asked for again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from session_stage import INTRO, Stage, Viewer

from arbsniper_tui.model.fact import Funding
from arbsniper_tui.model.view import FactsRow
from arbsniper_tui.session.session import HISTORY, LOST_AFTER_S, STOOD_STILL_S, Session
from arbsniper_tui.session.snapshot import EVENTS_KEPT
from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import SetRules

Come = Callable[[], Viewer]


def test_a_newcomer_sees_the_whole_state_at_once(stage: Stage, viewer: Viewer) -> None:
    snapshot = viewer.snapshot
    assert snapshot.intro == INTRO
    assert viewer.bid == 100.0
    assert snapshot.status == stage.status
    assert set(snapshot.feeds) == {"okx spot"}
    assert viewer.seen[-1].intro and viewer.seen[-1].status and viewer.seen[-1].quotes == {0}
    assert stage.greeted == 1


def test_then_it_sees_what_changed_and_asks_no_more(stage: Stage, viewer: Viewer) -> None:
    for bid in (101.0, 102.0, 103.0):
        stage.frame(bid)
        viewer.pull_until(lambda bid=bid: viewer.bid == bid)
        changes = viewer.seen[-1]
        assert changes.quotes == {0} and not changes.intro and not changes.status
    assert stage.greeted == 1


def test_facts_stay_until_newer_ones_come(stage: Stage, viewer: Viewer) -> None:
    for rate_pct in (0.01, 0.02):
        stage.facts = (FactsRow(0, Funding(0, rate_pct), 5.0),)
        stage.frame(101.0 + rate_pct)
        viewer.pull_until(lambda rate_pct=rate_pct: viewer.bid == 101.0 + rate_pct)
        stage.facts = ()
        stage.frame(102.0 + rate_pct)
        viewer.pull_until(lambda rate_pct=rate_pct: viewer.bid == 102.0 + rate_pct)
        assert viewer.snapshot.facts == {0: FactsRow(0, Funding(0, rate_pct), 5.0)}


def test_a_pull_that_finds_nothing_changes_nothing(viewer: Viewer) -> None:
    changes = viewer.pull()
    assert not changes.quotes and not changes.events
    assert not (changes.intro or changes.status or changes.routes or changes.feeds or changes.contact)


def test_many_frames_between_two_pulls_are_one_change(stage: Stage, viewer: Viewer) -> None:
    for number in range(50):
        stage.frame(200.0 + number)
    viewer.pull_until(lambda: viewer.bid == 249.0)
    assert stage.greeted == 1


def test_a_lost_frame_is_noticed_and_the_whole_state_asked_for_again(stage: Stage, viewer: Viewer) -> None:
    stage.frame(101.0, is_lost=True)
    stage.frame(102.0)
    viewer.pull_until(lambda: stage.greeted == 2)
    viewer.pull_until(lambda: viewer.bid == 102.0)
    stage.frame(103.0)
    viewer.pull_until(lambda: viewer.bid == 103.0)
    assert stage.greeted == 2


def test_events_come_in_order_without_the_heartbeats(stage: Stage, viewer: Viewer) -> None:
    stage.event("venue_up")
    stage.event("heartbeat")
    stage.event("open")
    viewer.pull_until(lambda: len(viewer.numbers) == 2)
    assert [event.event for event in viewer.snapshot.events] == ["venue_up", "open"]
    assert viewer.numbers == [1, 3]
    assert viewer.snapshot.missed == 0


def test_a_newcomer_reads_what_happened_before(stage: Stage, come: Come) -> None:
    for _ in range(5):
        stage.event()
    viewer = come()
    assert viewer.numbers == [1, 2, 3, 4, 5]
    stage.event()
    viewer.pull_until(lambda: viewer.numbers == [1, 2, 3, 4, 5, 6])


def test_a_newcomer_to_a_long_history_reads_its_end_and_counts_nothing_as_missed(stage: Stage, come: Come) -> None:
    for _ in range(HISTORY + 30):
        stage.event(is_lost=True)
    viewer = come()
    assert viewer.numbers == list(range(31, HISTORY + 31))
    assert viewer.snapshot.missed == 0


def test_a_gap_in_the_events_is_filled_from_the_nodes_memory(stage: Stage, viewer: Viewer) -> None:
    stage.event()
    viewer.pull_until(lambda: viewer.numbers == [1])
    stage.event(is_lost=True)
    stage.event(is_lost=True)
    stage.event()
    viewer.pull_until(lambda: len(viewer.numbers) == 4)
    stage.event()
    viewer.pull_until(lambda: len(viewer.numbers) == 5)
    assert viewer.numbers == [1, 2, 3, 4, 5]
    assert viewer.snapshot.missed == 0


def test_what_the_node_has_forgotten_is_counted_as_missed(stage: Stage, viewer: Viewer) -> None:
    stage.event()
    viewer.pull_until(lambda: viewer.numbers == [1])
    for _ in range(3):
        stage.event(is_lost=True, is_forgotten=True)
    stage.event()
    viewer.pull_until(lambda: viewer.numbers == [1, 5])
    assert viewer.snapshot.missed == 3


def test_only_so_many_events_are_held(stage: Stage, viewer: Viewer) -> None:
    for number in range(EVENTS_KEPT + 20):
        stage.event(is_lost=number < EVENTS_KEPT + 19)
    viewer.pull_until(lambda: viewer.numbers and viewer.numbers[-1] == EVENTS_KEPT + 20)
    assert len(viewer.numbers) == EVENTS_KEPT


def test_the_end_of_the_tapes_is_told(stage: Stage, viewer: Viewer) -> None:
    stage.event("end")
    viewer.pull_until(lambda: viewer.snapshot.events)
    assert viewer.seen[-1].ended


def test_silence_is_told_with_its_length_and_the_next_word_ends_it(stage: Stage, viewer: Viewer) -> None:
    stage.is_deaf = True
    viewer.wait_s(LOST_AFTER_S + 1)
    assert viewer.seen[-1].contact
    assert viewer.snapshot.lost_contact == "no word from the node for 3 s"
    viewer.now_s += 1
    viewer.pull()
    assert viewer.snapshot.lost_contact == "no word from the node for 4 s"
    assert viewer.bid == 100.0, "what was seen last stays in sight"
    stage.is_deaf = False
    stage.frame(105.0)
    viewer.pull_until(lambda: viewer.snapshot.lost_contact == "")
    assert viewer.seen[-1].contact
    viewer.pull_until(lambda: viewer.bid == 105.0)


def test_a_quiet_moment_is_no_loss(viewer: Viewer) -> None:
    viewer.wait_s(LOST_AFTER_S)
    assert viewer.snapshot.lost_contact == ""


def test_a_pause_of_the_viewer_itself_is_no_silence_of_the_node(stage: Stage, viewer: Viewer) -> None:
    stage.is_deaf = True
    viewer.now_s += 60
    viewer.pull()
    assert viewer.snapshot.lost_contact == ""
    viewer.wait_s(LOST_AFTER_S)
    assert viewer.snapshot.lost_contact == "no word from the node for 62 s"


def test_what_waited_while_the_viewer_stood_still_is_not_taken_for_the_newest(stage: Stage, viewer: Viewer) -> None:
    stage.frame(101.0)
    viewer.pull_until(lambda: viewer.bid == 101.0)
    stage.is_deaf = True
    stage.frame(102.0)
    stage.frame(103.0, is_lost=True)  # more than is held for a viewer that does not read
    viewer.now_s += STOOD_STILL_S + 1
    viewer.pull()
    assert viewer.snapshot.is_outdated
    stage.is_deaf = False
    viewer.pull_until(lambda: not viewer.snapshot.is_outdated)
    assert viewer.bid == 103.0
    viewer.now_s += STOOD_STILL_S
    viewer.pull()
    assert not viewer.snapshot.is_outdated


def test_an_answer_that_never_comes_is_asked_for_again_each_second(
    stage: Stage, come: Come, wait_until: Callable[..., None]
) -> None:
    stage.is_deaf = True
    late = Viewer(stage, wait_until)
    try:
        for _ in range(5):
            late.now_s += 1.01
            late.pull()
        assert late.snapshot.intro is None
        stage.is_deaf = False
        late.pull_until(lambda: late.snapshot.intro is not None)
        assert stage.greeted >= 5
    finally:
        late.session.close()


def test_a_node_that_is_away_for_long_never_makes_a_pull_wait(short_folder: Path) -> None:
    now_s = 0.0
    session = Session(Endpoints(short_folder), lambda: now_s)
    try:
        for _ in range(2500):
            now_s += 2.0
            session.pull()
            session.set_threshold(0.5)
    finally:
        session.close()
    assert session.snapshot.lost_contact == "no word from the node for 5000 s"


@pytest.mark.parametrize("already", [1, 2, 7])
def test_a_spread_worker_that_begins_again_is_noticed_and_its_events_are_read_on(
    stage: Stage, viewer: Viewer, already: int
) -> None:
    for number in range(7):
        stage.event()
        stage.frame(101.0 + number)
    viewer.pull_until(lambda: len(viewer.numbers) == 7 and viewer.bid == 107.0)
    stage.begin_again()
    viewer.pull_until(lambda: stage.viewers == 1)
    for number in range(already):
        stage.event("worker_up", is_lost=number < already - 1)
    stage.frame(50.0)
    viewer.pull_until(lambda: viewer.bid == 50.0 and len(viewer.numbers) == 7 + already)
    assert viewer.numbers == list(range(1, 8 + already))
    assert viewer.snapshot.missed == 0


def test_a_threshold_that_one_viewer_sets_shows_in_another(stage: Stage, come: Come) -> None:
    one, other = come(), come()
    one.session.set_threshold(0.75)
    one.pull_until(lambda: SetRules(threshold_pct=0.75) in stage.asked)
    stage.frame(101.0)
    for viewer in (one, other):
        viewer.pull_until(lambda viewer=viewer: viewer.bid == 101.0)
        assert viewer.snapshot.status is not None and viewer.snapshot.status.threshold_pct == 0.75
        assert viewer.seen[-1].status


def test_a_basis_is_sent_by_itself(stage: Stage, viewer: Viewer) -> None:
    viewer.session.set_basis("net")
    viewer.pull_until(lambda: SetRules(basis="net") in stage.asked)


def test_who_leaves_is_no_viewer_any_more(stage: Stage, come: Come, wait_until: Callable[..., None]) -> None:
    one, other = come(), come()
    assert stage.viewers == 2
    one.session.close()
    wait_until(lambda: stage.viewers == 1)
    stage.frame(101.0)
    other.pull_until(lambda: other.bid == 101.0)

"""What a successor reads before it takes over is held back: the newest of each instrument, as old as it is."""

from feeding import Diary

from arbsniper_tui.feeds.held_outlet import HeldOutlet
from arbsniper_tui.model.fact import Mark
from arbsniper_tui.model.quote import Quote, Withdrawal
from arbsniper_tui.model.reason import Reason, ReasonCode

OLD, NEW, OTHER = Quote(1, 1.0, 1.0, 2.0, 1.0), Quote(1, 1.5, 1.0, 2.0, 1.0), Quote(2, 5.0, 1.0, 6.0, 1.0)
LOST = Withdrawal((1,), Reason(ReasonCode.BOOK_LOST))


def test_the_newest_quote_of_each_instrument_is_passed_on_with_its_receipt() -> None:
    held, diary = HeldOutlet(), Diary()
    held.quotes((OLD, OTHER), 100, (90, 100))
    held.quotes((NEW,), 200)
    held.facts((Mark(1, 1.7),), 210)
    held.release(diary)
    assert {quote.instrument_id: quote for quote in diary.read} == {1: NEW, 2: OTHER}
    assert sorted(diary.receipts_ns) == [100, 200]
    assert diary.told == [Mark(1, 1.7)]


def test_what_was_withdrawn_last_is_withdrawn_and_what_came_after_is_a_quote() -> None:
    held, diary = HeldOutlet(), Diary()
    held.quotes((OLD,), 100)
    held.withdraw(LOST, 150)
    assert held.has((1,))
    held.release(diary)
    assert (diary.read, diary.withdrawn) == ([], [LOST])
    held.quotes((NEW,), 200)
    held.release(diary)
    assert (diary.read, diary.withdrawn) == ([NEW], [LOST])


def test_it_knows_of_whom_it_has_heard() -> None:
    held = HeldOutlet()
    held.quotes((OLD,), 100)
    assert held.has(()) and held.has((1,))
    assert not held.has((1, 2))

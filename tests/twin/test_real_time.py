"""The clock that waits: on a wall that the test moves, so that no result depends on the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.clock import Process
from twin.real_time import Inbox, Lag, RealTimeClock
from twin.times import NS

MS = NS // 1000


class Wall(Inbox):
    """A wall clock that moves only while somebody waits, and an inbox that fills at given times (ns)."""

    def __init__(self, arrivals: list[tuple[int, Callable[[], None]]] | None = None, overshoot: int = 0) -> None:
        super().__init__()
        self.time = 1_000 * NS  # monotonic clocks start anywhere
        self.origin, self.overshoot = self.time, overshoot
        self.arrivals = sorted(arrivals or [], key=lambda arrival: arrival[0])

    def monotonic(self) -> int:
        return self.time

    def take(self, seconds: float | None) -> Callable[[], None] | None:
        end = None if seconds is None else self.time + round(seconds * NS)
        if self.arrivals and (end is None or self.origin + self.arrivals[0][0] <= end):
            at, message = self.arrivals.pop(0)
            self.time = max(self.time, self.origin + at)
            return message
        assert end is not None, "waits for ever"
        self.time = end + (self.overshoot if seconds else 0)
        return None


def clock_on(wall: Wall, scale: float | None = 1.0) -> RealTimeClock:
    return RealTimeClock(scale, inbox=wall, monotonic=wall.monotonic)


def test_what_is_late_goes_on_at_once_and_is_counted() -> None:
    wall = Wall()
    clock = clock_on(wall)
    done = clock.event()
    wall.arrivals = [(3 * NS, lambda: done.succeed())]

    def late() -> Process:
        yield done
        yield clock.until(NS)  # it should have been done by then
        return clock.now

    assert clock.run(late()) == 3 * NS
    assert clock.lag.overruns == 1
    assert clock.lag.worst == 2 * NS


@pytest.mark.parametrize("scale", [1.0, 10.0, 0.5])
def test_virtual_time_passes_with_the_wall(scale: float) -> None:
    wall = Wall()
    clock = clock_on(wall, scale)

    def ticking() -> Process:
        for _ in range(10):
            yield clock.wait(0.1)
        return "done"

    assert clock.run(ticking()) == "done"
    assert clock.now == NS
    assert wall.time - wall.origin == pytest.approx(NS / scale, abs=10)
    assert clock.lag.overruns == 0


def test_a_message_enters_at_once_and_not_with_the_next_event() -> None:
    """SimPy's own real-time environment sees it at its next event, here 10 s later."""
    heard: list[int] = []
    wall = Wall([(1_234_567_891, lambda: heard.append(clock.now))])
    clock = clock_on(wall)

    def waiting() -> Process:
        yield clock.wait(10.0)

    clock.run(waiting())
    assert heard == [1_234_567_891] and clock.now == 10 * NS


def test_what_was_due_before_a_message_comes_before_it() -> None:
    order: list[tuple[str, int]] = []
    wall = Wall([(500 * MS, lambda: order.append(("message", clock.now)))])
    clock = clock_on(wall)

    def busy() -> Process:
        yield clock.wait(0.4)
        wall.time += 300 * MS  # a computation that takes until after the message has come
        order.append(("busy", clock.now))

    def other() -> Process:
        yield clock.wait(0.6)
        order.append(("other", clock.now))

    clock.process(other())
    clock.run(busy())
    while len(order) < 3:
        clock._turn(lambda: False)
    assert order == [("busy", 400 * MS), ("other", 600 * MS), ("message", 700 * MS)]


def test_a_message_may_start_what_comes_before_the_next_event() -> None:
    ends: list[int] = []

    def operation() -> Process:
        yield clock.wait(0.25)
        ends.append(clock.now)

    wall = Wall([(100 * MS, lambda: clock.process(operation()))])
    clock = clock_on(wall)

    def long() -> Process:
        yield clock.wait(5.0)

    clock.run(long())
    assert ends == [350 * MS]


def test_lag_is_accounted_and_stops_nothing() -> None:
    wall = Wall()
    clock = clock_on(wall)

    def slow() -> Process:
        yield clock.wait(1.0)
        wall.time += 2 * NS  # 2 s of computing
        yield clock.wait(1.0)  # due after 2 s, seen after 3 s
        yield clock.wait(5.0)  # in time again

    clock.run(slow())
    lag = clock.lag
    assert clock.now == 7 * NS and wall.time - wall.origin == 7 * NS
    assert (lag.events, lag.overruns, lag.worst) == (3, 1, NS)
    assert lag.summary()["worst_s"] == 1.0 and lag.summary()["mean_s"] == pytest.approx(1 / 3)


def test_lag_is_in_real_time_whatever_the_scale() -> None:
    wall = Wall(overshoot=MS)
    clock = clock_on(wall, 100.0)

    def ticking() -> Process:
        for k in range(1, 4):
            yield clock.until(k * NS)

    clock.run(ticking())
    assert clock.lag.worst == pytest.approx(MS, rel=1e-6) and clock.lag.overruns == 0


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_quantiles_of_lag_hold_and_their_memory_is_bounded(lags: list[int], share: float) -> None:
    account = Lag()
    for lag in lags:
        account.add(lag)
    bound = account.quantile(share)
    assert sum(lag <= bound for lag in lags) >= share * len(lags) - 1e-9
    assert bound <= account.worst and len(account._bins) == 64
    assert account.overruns == sum(lag > account.tolerance for lag in lags)


def test_a_stepped_clock_stands_still_until_somebody_waits() -> None:
    heard: list[int] = []
    wall = Wall([(NS, lambda: heard.append(clock.now)), (9 * NS, lambda: clock.process(awaited()))])
    wall.arrivals.append((20 * NS, lambda: (heard.append(clock.now), clock.stop())))
    clock = clock_on(wall, None)

    def background() -> Process:
        yield clock.wait(100.0)

    def awaited() -> Process:
        with clock.awaiting():
            yield clock.wait(2.5)

    clock.process(background())
    clock.run_until_stopped()
    assert heard == [0, 2_500 * MS], "the wall's 20 s do not count, the 2.5 s that somebody waited for do"


def test_a_stepped_campaign_takes_no_real_time() -> None:
    wall = Wall()
    clock = clock_on(wall, None)

    def hours() -> Process:
        yield clock.wait(8 * 3600.0)

    clock.run(hours())
    assert clock.now == 8 * 3600 * NS and wall.time == wall.origin


def test_an_error_in_an_operation_reaches_who_runs_it() -> None:
    clock = clock_on(Wall())

    def failing() -> Process:
        yield clock.wait(0.1)
        raise KeyError("coil")

    with pytest.raises(KeyError, match="coil"):
        clock.run(failing())


def test_a_resumed_clock_starts_where_it_was() -> None:
    clock = clock_on(Wall())
    clock.jump(17 * NS, 5)

    def operation() -> Process:
        yield clock.wait(1.0)

    clock.run(operation())
    assert clock.now == 18 * NS and clock.lag.overruns == 0


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        RealTimeClock(scale)


def test_other_threads_put_messages_in() -> None:
    """With the real inbox: every message is heard once, in the order in which its thread has sent it."""
    clock = RealTimeClock(None)
    heard: list[tuple[int, int]] = []

    def send(sender: int) -> None:
        for k in range(200):
            clock.inbox.put(lambda item=(sender, k): heard.append(item))

    threads = [threading.Thread(target=send, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.inbox.put(clock.stop)
    clock.run_until_stopped()
    assert len(heard) == 800
    assert all([k for sender, k in heard if sender == s] == list(range(200)) for s in range(4))

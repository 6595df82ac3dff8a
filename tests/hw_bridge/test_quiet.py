"""Looks at an instrument yield to the campaign: no burst is late because of one."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.thermometer import Thermometer
from hw_bridge.drivers.driver import LOOK
from hw_bridge.following import Following
from hw_bridge.quiet import Quiet
from scenarios.schema.hardware import Hardware
from twin.clock import Clock, Process
from twin.recorder import Schedule
from twin.times import NS

MS = NS // 1000


class Instrument:
    """Reads burst by burst, one after the other; each takes `extra` (ns) more, and some a little more than that.

    As of a real instrument, nobody knows when it will have done something: what comes of it enters from outside.
    """

    def __init__(self, clock: Clock, extra: int = 5 * MS, **hardware: Any) -> None:
        self.clock, self.extra = clock, extra
        self.hardware = Hardware(driver="x", **hardware)
        self.heard: Any = None
        self.worker = SimpleNamespace(busy=False)
        self.late = list[int]()
        self.looks = list[int]()
        self._jobs = list[tuple[int, Any]]()
        clock.process(self._work(), background=True)

    def _work(self) -> Process:
        while True:
            self._news = self.clock.event()
            while self._jobs:
                duration, done = self._jobs[0]
                yield self.clock.until(self.clock.now + duration)
                del self._jobs[0]
                self.worker.busy = bool(self._jobs)
                done.succeed()
            yield self._news

    def does(self, duration: int) -> Any:
        """Something that nobody knows the end of; an event."""
        self.worker.busy, done = True, self.clock.event()
        self._jobs.append((duration, done))
        if not self._news.triggered:
            self._news.succeed()
        return done

    def read(self, schedule: Schedule, labels: Any) -> Process:
        """Burst by burst."""
        for burst in range(schedule.repeats):
            start = schedule.start + burst * schedule.every
            yield self.clock.until(max(start, self.clock.now))
            begins = self.clock.now + sum(duration for duration, _ in self._jobs)
            if labels.get("phase") == LOOK:
                self.looks.append(begins)
            else:
                self.late.append(begins - start)
            yield self.does(schedule.step * schedule.count + self.extra + 2 * MS * (len(self.looks) % 2 == 0))


class Bench:
    """An instrument that is followed, and another one."""

    def __init__(self, **hardware: Any) -> None:
        self.clock = Clock()
        self.followed = Instrument(self.clock, **{"interval": 0.1, **hardware})
        self.other = Instrument(self.clock)
        lent: Any = [self.followed, self.other]
        self.quiet = Quiet(self.clock, lent)
        self.following = Following(lent[0], Thermometer().fresh(), self.quiet)

    def run(self, campaign: Process) -> None:
        """With the first look before it."""
        self.clock.run(self.following.look())
        self.clock.process(self.following.run(), background=True)
        self.clock.run(campaign)

    def burst(self, seconds: float = 0.2, ahead: float = 0.0, repeats: int = 1, every: float = 0.0) -> Process:
        """At the instrument that is followed."""
        start = self.clock.now + round(ahead * NS)
        yield from self.followed.read(Schedule(start, round(seconds * NS), 1, round(every * NS), repeats), {})


def in_the_middle(bench: Bench) -> Process:
    """20 bursts, each beginning while a look would be under way."""
    for _ in range(20):
        yield bench.clock.until(bench.clock.now // (100 * MS) * 100 * MS + 177 * MS)
        yield from bench.burst()


def test_a_burst_is_not_kept_waiting_by_a_look() -> None:
    bench = Bench()
    bench.run(in_the_middle(bench))
    assert bench.followed.late == [0] * 20
    assert bench.following.held > 5


def test_without_knowing_they_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Quiet, "until", lambda self, driver: math.inf)
    bench = Bench()
    bench.run(in_the_middle(bench))
    assert max(bench.followed.late) > 20 * MS


def test_where_there_is_time_there_are_looks() -> None:
    bench = Bench()

    def campaign() -> Process:
        yield bench.clock.wait(1.0)
        yield from bench.burst()
        yield bench.clock.wait(1.0)

    bench.run(campaign())
    assert len(bench.followed.looks) in range(18, 21) and bench.followed.late == [0]
    assert bench.following.longest == 57 * MS


def test_between_bursts_that_are_far_apart_there_are_looks_and_between_others_none() -> None:
    bench = Bench()
    bench.run(bench.burst(0.05, 0.0, 5, 1.0))
    assert bench.followed.late == [0] * 5 and len(bench.followed.looks) > 25
    close = Bench()
    close.run(close.burst(0.05, 0.0, 50, 0.1))
    assert close.followed.late == [0] * 50 and len(close.followed.looks) == 1, "43 ms are left, and a look takes 57"


@pytest.mark.parametrize(("background", "until"), [(True, math.inf), (False, NS)])
def test_nobody_goes_on_when_a_look_at_another_instrument_is_over(background: bool, until: float) -> None:
    """When the campaign's reading is, somebody may."""
    bench = Bench()
    bench.clock.process(bench.other.read(Schedule(0, NS, 1), {"phase": LOOK}), background=background)
    found = list[float]()

    def campaign() -> Process:
        yield bench.clock.wait(0.5)
        found.append(bench.quiet.until(bench.followed))  # type: ignore[arg-type]

    bench.clock.run(campaign())
    assert found == [until]


def test_what_another_instrument_reads_holds_no_look() -> None:
    """Its bursts are close to each other; nothing begins here until the last."""
    bench = Bench()

    def campaign() -> Process:
        yield bench.clock.process(bench.other.read(Schedule(bench.clock.now, 20 * MS, 1, 30 * MS, 100), {}))
        yield from bench.burst()

    bench.run(campaign())
    assert bench.followed.late == [0] and len(bench.followed.looks) > 25


def test_of_two_who_read_another_instrument_the_first_may_go_on() -> None:
    bench = Bench()

    def short() -> Process:
        yield from bench.other.read(Schedule(bench.clock.now, 141 * MS, 1), {})
        yield from bench.burst()

    def long() -> Process:
        yield from bench.other.read(Schedule(bench.clock.now, 3 * NS, 1), {})

    def campaign() -> Process:
        yield bench.clock.together([short(), long()])

    bench.run(campaign())
    assert bench.followed.late == [0] and len(bench.followed.looks) > 5


def test_an_instrument_that_is_at_work_for_nobody_knows_how_long_holds_looks() -> None:
    """Such as a stage: when it is there, the campaign may read at once."""
    bench = Bench()

    def campaign() -> Process:
        yield bench.other.does(3 * NS + 41 * MS)
        yield from bench.burst()

    bench.run(campaign())
    assert bench.followed.late == [0] and len(bench.followed.looks) == 1


def test_a_look_at_another_instrument_holds_none() -> None:
    """Nobody waits for it."""
    bench = Bench(interval=0.1)

    def looks() -> Process:
        while True:
            yield from bench.other.read(Schedule(bench.clock.now, 90 * MS, 1), {"phase": LOOK})

    bench.clock.process(looks(), background=True)

    def campaign() -> Process:
        yield bench.clock.wait(2.0)

    bench.run(campaign())
    assert len(bench.followed.looks) > 15


OPERATIONS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 400), st.just(1)),
    st.tuples(st.just("burst"), st.integers(1, 300), st.integers(1, 4)),
    st.tuples(st.just("move"), st.integers(1, 500), st.just(1)),
    st.tuples(st.just("other"), st.integers(1, 60), st.integers(1, 9)),
    st.tuples(st.just("both"), st.integers(1, 60), st.integers(1, 9)),
)


@settings(max_examples=60)
@given(st.lists(OPERATIONS, min_size=1, max_size=20), st.sampled_from([0.02, 0.1, 0.5]))
def test_whatever_the_campaign_does_no_burst_is_late(todo: list[tuple[str, int, int]], interval: float) -> None:
    bench = Bench(interval=interval)

    def campaign() -> Process:
        for what, size, repeats in todo:
            every = size * MS + (13 + size % 150) * MS
            schedule = Schedule(bench.clock.now, size * MS, 1, every, repeats)
            if what == "wait":
                yield bench.clock.wait(size / 1e3)
            elif what == "move":
                yield bench.other.does(size * MS)
            elif what == "burst":
                yield from bench.followed.read(schedule, {})
            elif what == "other":
                yield from bench.other.read(schedule, {})
            else:
                yield bench.clock.together([bench.other.read(schedule, {}), bench.followed.read(schedule, {})])
        yield bench.clock.wait(3.0)

    bench.run(campaign())
    assert set(bench.followed.late) <= {0}
    assert len(bench.followed.looks) > 1, "when it has time again"


def test_what_nobody_waits_for_is_not_due() -> None:
    clock = Clock()

    def waiting() -> Process:
        yield clock.wait(1.0) | clock.wait(5.0)

    clock.run(waiting())
    clock.wait(0.5)
    clock.process(waiting(), background=True)
    assert [when for when, _ in clock.due()] == []
    there = clock.process(waiting())
    assert [(when, waits) for when, waits in clock.due()] == [(NS, [there])], "it begins"

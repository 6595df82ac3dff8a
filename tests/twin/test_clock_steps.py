"""The clock: integers that do not drift, and operations side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import simpy

from twin.clock import NOTHING, Clock, Process
from twin.recorder import Schedule
from twin.steps import Step
from twin.times import NS


@pytest.mark.parametrize("hours", [1, pytest.param(24, marks=pytest.mark.nightly)])
def test_tenth_seconds_do_not_drift(hours: int) -> None:
    clock = Clock()

    def ticking() -> Process:
        for _ in range(hours * 36_000):
            yield clock.wait(0.1)

    clock.run(ticking())
    assert clock.now == hours * 3600 * NS and clock.seconds == hours * 3600.0
    assert clock.events >= hours * 36_000


def test_a_schedule_is_computed_from_its_origin() -> None:
    schedule = Schedule(start=7, step=100_000_000, count=10, every=NS, repeats=86_400)
    instants = schedule.instants()
    assert instants.shape == (86_400, 10) and instants.dtype == np.int64
    assert instants[-1, -1] == 7 + 86_399 * NS + 900_000_000
    assert np.all(np.diff(instants.ravel()) == 100_000_000)
    assert schedule.end == 7 + 86_400 * NS and schedule.size == 864_000


def test_an_instant_in_the_past_is_an_error() -> None:
    clock = Clock()

    def late() -> Process:
        yield clock.until(5 * NS)
        yield clock.until(5 * NS)
        yield clock.until(4 * NS)

    with pytest.raises(ValueError, match=r"cannot wait until 4\.0 s: it is already 5\.0 s"):
        clock.run(late())
    with pytest.raises(ValueError, match="cannot wait"):
        Clock().wait(-1.0)


def test_nothing_takes_no_event() -> None:
    """Also in place of an operation, one after the other or side by side, and again and again."""

    def run(*beside: Process) -> tuple[int, int]:
        clock = Clock()

        def waiting() -> Process:
            yield clock.wait(1.0)

        def both() -> Process:
            yield from NOTHING
            yield clock.together([*beside, waiting()])
            yield clock.together([*beside])

        clock.run(both())
        return clock.now, clock.events

    assert run(NOTHING, NOTHING, NOTHING) == run()
    clock = Clock()
    clock.run(NOTHING)
    assert clock.now == 0


def test_operations_side_by_side_end_with_the_last() -> None:
    clock, order = Clock(), []

    def operation(name: str, seconds: float) -> Iterator[simpy.Event]:
        yield clock.wait(seconds)
        order.append((name, clock.now))

    def both() -> Process:
        yield clock.together([operation("slow", 2.0), operation("fast", 0.5)])
        order.append(("both", clock.now))

    clock.run(both())
    assert order == [("fast", NS // 2), ("slow", 2 * NS), ("both", 2 * NS)]


def test_an_operation_returns_its_result() -> None:
    clock = Clock()

    def inner() -> Process:
        yield clock.wait(1.0)
        return 42

    def outer() -> Process:
        first = yield from inner()
        second = yield clock.process(inner())
        return first + second

    assert clock.run(outer()) == 84 and clock.now == 2 * NS


def test_an_error_in_an_operation_reaches_who_runs_it() -> None:
    clock = Clock()

    def failing() -> Process:
        yield clock.wait(1.0)
        raise KeyError("coil")

    def waiting() -> Process:
        yield clock.together([failing()])

    with pytest.raises(KeyError, match="coil"):
        clock.run(waiting())


def test_a_resumed_clock_goes_on_where_it_was() -> None:
    clock = Clock()
    clock.jump(17 * NS + 3, 100)

    def operation() -> Process:
        yield clock.wait(1.0)

    clock.run(operation())
    assert clock.now == 18 * NS + 3 and clock.events > 100


def test_a_step_makes_its_operation_when_its_turn_has_come() -> None:
    made: list[Any] = []
    step = Step("weighing", NS, lambda: made.append(1) or iter(()))
    assert made == [] and (step.phase, step.cycle) == ("", 0)
    step.operation()
    assert made == [1]

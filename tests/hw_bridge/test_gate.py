"""What a client's message does wrong is told, and the simulation goes on for the others."""

from __future__ import annotations

import asyncio
from contextlib import closing

import pytest

from hw_bridge.gate import Gate
from twin.real_time import RealTimeClock


def test_a_message_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    clock, done = RealTimeClock(None), list[str]()

    def fails() -> None:
        raise RuntimeError("what nobody had thought of")

    with closing(asyncio.new_event_loop()) as loop:
        gate = Gate(clock, loop, lambda: done.append("after"))
        gate.post(fails)
        gate.post(done.append, "next")
        gate.post(clock.stop)
        clock.run_until_stopped()
    assert done == ["next", "after", "after"]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["what nobody had thought of"]
    caplog.clear()  # it was meant to be

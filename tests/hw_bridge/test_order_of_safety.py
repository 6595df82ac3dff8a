"""What comes first when outputs are switched, and who waits for whom."""

from __future__ import annotations

from typing import Any

import pytest

from hw_bridge.errors import BridgeError
from tests.hw_bridge.real_bench import bridged, output
from tests.hw_bridge.test_resume import interrupted
from tests.hw_bridge.wired import Wired
from twin.clock import Process


def test_current_is_off_before_a_stage_is_stopped(wired: Wired, real: dict[str, Any]) -> None:
    seen = list[bool]()
    with bridged(real) as (bridge, _, there):

        def operation() -> Process:
            there["current_source"].connect()
            yield from there["current_source"].set(0.3e-3, 0.0)

        bridge.clock.run(operation())
        stage = there["motion_stage"]
        to_safe = stage.to_safe

        def looking(wire: Any) -> str:
            seen.append(output(wired)[0])
            return str(to_safe(wire))

        stage.to_safe = looking
        assert output(wired)[0]
    assert seen == [False]


def test_a_stage_is_where_it_was_before_current_flows_again(wired: Wired, real: dict[str, Any]) -> None:
    seen = list[bool]()
    with interrupted(real, wired, 0.4e-3) as (bridge, there):
        stage = there["motion_stage"]
        take_up = stage.take_up

        def looking() -> Process:
            seen.append(output(wired)[0])
            return (yield from take_up())

        stage.take_up = looking
        bridge.take_up()
        assert output(wired)[0]
    assert seen == [False]


def test_who_waits_for_a_job_that_does_not_come_back_is_told_by_the_watchdog(
    wired: Wired, real: dict[str, Any]
) -> None:
    """And its connection is given up, so that the thread ends."""
    with (
        pytest.raises(BridgeError, match="induced_voltmeter: did not come back in time"),
        bridged(real, scale=1.0) as (bridge, _, there),
    ):
        meter = there["induced_voltmeter"]

        def endless() -> Any:
            return meter.wire.converse(lambda wire: wire.line(20.0))

        def operation() -> Process:
            yield meter.worker.do(endless, 0.2)

        bridge.clock.run(operation())
    assert output(wired) == (False, 0.0)

"""The current source: relay, ramps, stages and limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.current_source import CurrentSource
from tests.components.bench import bench, path
from twin.errors import SimulationError
from twin.piece import ramp
from twin.signal import Constant, Elapsed, Signal
from twin.times import NS
from twin.twin import Twin


def connected(demand: float = 0.0, **parameters: Any) -> tuple[Twin, CurrentSource]:
    source = CurrentSource(**parameters)
    twin = bench(source, demand=Constant(demand))
    source.connect()
    return twin, source


def test_a_source_delivers_demand_and_set_value_while_connected() -> None:
    source = CurrentSource(gain=1e-3, offset=1e-6)
    twin = bench(source, demand=0.02)

    def operation() -> Any:
        yield twin.clock.until(NS)
        source.connect()
        yield from source.set(0.01, 2.0)
        yield twin.clock.until(4 * NS)
        source.disconnect()

    twin.clock.run(operation())
    current = twin.signal("part.current")(np.array([0.5, 1.0, 2.0, 3.0, 3.9, 4.0, 9.0]))
    exact = [1.001 * (0.02 + x) + 1e-6 for x in (0.0, 0.005, 0.01, 0.01)]
    assert current == pytest.approx([0.0, *exact, 0.0, 0.0], rel=1e-14)
    assert current[0] == current[-1] == current[-2] == 0.0


def test_set_ends_with_its_ramp_and_starts_from_the_present_value() -> None:
    twin, source = connected()
    twin.clock.run(source.set(0.02, 1.0))
    assert twin.clock.now == NS
    twin.clock.run(source.set(-0.02, 2.0))
    assert twin.signal("part.current")(np.array([0.5, 1.5, 2.0, 3.0])) == pytest.approx(
        [0.01, 0.01, 0.0, -0.02], abs=1e-17
    )


@pytest.mark.parametrize("current", [0.0501, -0.0501, float("nan")])
def test_a_source_refuses_what_is_beyond_its_limit(current: float) -> None:
    twin, source = connected(limit=0.05)
    with pytest.raises(ValueError, match=r"part: .* beyond its limit of 0.05 A"):
        twin.clock.run(source.set(current, 1.0))
    assert twin.signal("part.current")(5.0) == 0.0


def test_a_source_reaches_its_limit() -> None:
    twin, source = connected(limit=0.05)
    twin.clock.run(source.set(-0.05, 1.0))
    assert twin.signal("part.current")(2.0) == pytest.approx(-0.05, rel=1e-15)


# --- what it cannot deliver ------------------------------------------------------------------------------------------

SERVO = {"limit": 0.105, "coarse_range": 0.02}


def checked(demand: float | Signal, load: float | Signal = 0.0, **parameters: Any) -> None:
    source = CurrentSource(**{**SERVO, **parameters})
    bench(source, demand=demand, load_resistance=load)
    source.check(0, 10 * NS)


@pytest.mark.parametrize(
    ("demand", "parameters", "message"),
    [
        (0.1051, {"coarse_range": 0.2}, r"105\.1 mA .* limit of 105 mA; weigh less"),
        (-0.021, {}, r"21 mA is wanted at t = 0\.0 to 10\.0 s, more than its coarse_range of 20 mA; .* larger range"),
        (0.01, {"fine_range": 0.4e-6}, r"its fine_range of 4e-07 A cannot fill the steps of 1e-06 A .* 5e-07 A"),
        (0.01, {"compliance_voltage": 9.9, "series_resistance": 1000.0}, r"10 mA .* takes 10 V .*_voltage of 9\.9 V"),
    ],
)
def test_what_it_cannot_deliver_is_refused(demand: float, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(SimulationError, match=f"part: {message}"):
        checked(demand, **parameters)


@pytest.mark.parametrize(
    ("demand", "parameters"),
    [
        (0.02, {}),
        (-0.01, {"compliance_voltage": 10.01, "series_resistance": 1000.0}),
        (0.01, {"coarse_resolution": 4e-6}),
        (0.01, {"coarse_resolution": 0.0, "fine_range": 0.0}),
    ],
)
def test_what_it_can_deliver_is_not(demand: float, parameters: dict[str, Any]) -> None:
    checked(demand, **parameters)


def test_the_load_counts_as_it_is_at_the_time() -> None:
    load = path(ramp(400.0, 500.0, 0, 10 * NS))  # a coil that warms
    checked(0.01, load, compliance_voltage=6.01, series_resistance=100.0)
    with pytest.raises(SimulationError, match=r"takes 5\.9994 V"):
        checked(0.01, load, compliance_voltage=5.99, series_resistance=100.0)


def test_its_temperature_coefficient_is_one_of_the_gain() -> None:
    source = CurrentSource(gain=1e-3, offset=1e-6, temperature_coefficient=5e-5)
    twin = bench(source, demand=0.01, temperature_rise=Elapsed())
    source.connect()
    t = np.array([0.0, 2.0, 10.0])
    assert twin.signal("part.current")(t) == pytest.approx(0.01 * (1.001 + 5e-5 * t) + 1e-6, rel=1e-15)

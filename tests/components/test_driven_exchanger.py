"""The exchanger with a motor: what is on the pan follows from where the lift is, however it got there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.driven_exchanger import DrivenExchanger
from components.motion import glide, travel
from tests.components.bench import bench
from twin.errors import SimulationError
from twin.piece import constant, harmonics
from twin.times import NS
from twin.twin import Twin

WEIGHT = 5.0


def exchanger() -> tuple[Twin, DrivenExchanger]:
    twin = bench(DrivenExchanger(), weight=WEIGHT)
    part = twin.graph.components["part"]
    assert isinstance(part, DrivenExchanger)
    return twin, part


@settings(max_examples=30, deadline=None)
@given(
    targets=st.lists(st.floats(-10e-3, 0.0), min_size=1, max_size=4),
    velocity=st.floats(1e-3, 20e-3),
    patience=st.floats(0.1, 10.0),
)
def test_the_load_is_where_the_lift_has_put_it(targets: list[float], velocity: float, patience: float) -> None:
    """Each motion begins wherever and however fast the one before has left the lift."""
    twin, part = exchanger()
    for target in targets:
        laws = travel(*part.commanded(), target, velocity, 0.05, twin.clock.now)
        if laws:
            twin.clock.process(part.move(laws))
        begun = twin.clock.now

        def wait(end: int = begun + round(patience * NS)) -> object:
            yield twin.clock.until(end)

        twin.clock.run(wait())  # type: ignore[arg-type]
        times = np.linspace(begun, twin.clock.now, 50) / NS
        lift = part.motion(times)
        share = np.clip((-part.contact - lift) / part.give, 0.0, 1.0)
        assert twin.signal("part.load")(times) == pytest.approx(WEIGHT * share, abs=1e-5 * WEIGHT)


def test_as_an_exchanger_it_puts_the_mass_on_and_takes_it_off() -> None:
    twin, part = exchanger()
    for operation, load in ((part.load, WEIGHT), (part.load, WEIGHT), (part.unload, 0.0)):
        start = twin.clock.now
        twin.clock.run(operation(2.0))
        assert twin.clock.now == start + 2 * NS
        assert twin.signal("part.load")(twin.clock.seconds) == load


def test_it_refuses_what_its_lift_cannot_do() -> None:
    twin, part = exchanger()
    with pytest.raises(SimulationError, match="beyond the end of its travel"):
        twin.clock.run(part.move(glide(0.0, -11e-3, 0, NS)))
    with pytest.raises(SimulationError, match="polynomials that end"):
        twin.clock.run(part.move([harmonics(0.0, {1: 1e-3j}, 0, NS)]))  # type: ignore[dict-item]
    with pytest.raises(SimulationError, match="polynomials that end"):
        twin.clock.run(part.move([constant(0.0, 0)]))
    with pytest.raises(ValueError, match="within the stroke"):
        DrivenExchanger(stroke=5e-3)

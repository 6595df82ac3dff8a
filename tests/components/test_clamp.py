"""The clamp holds."""

from __future__ import annotations

import numpy as np
import pytest

from components.clamp import Clamp
from components.flexure import Flexure
from components.motion import glide
from tests.components.bench import bench, closed
from twin.errors import SimulationError
from twin.times import NS
from twin.twin import Twin


def test_it_holds_the_coil_where_it_is_told() -> None:
    twin = bench(Clamp(position=-2e-3))
    assert twin.signal("part.position")(np.array([0.0, 1e5])).tolist() == [-2e-3, -2e-3]
    assert twin.signal("part.locked")(np.array([0.0, 1e5])).tolist() == [1.0, 1.0]
    assert Clamp(position=-2e-3).scaled(0.5).position == -1e-3


def carried(**clamp: bool) -> Twin:
    """A coil that a flexure carries and a clamp can hold."""
    wiring = {"clamp.coil": "flexure.position", "flexure.locked": "clamp.locked"}
    return Twin(*closed({"clamp": Clamp(**clamp), "flexure": Flexure()}, wiring))


def test_a_locked_coil_does_not_move_and_an_unlocked_one_does() -> None:
    twin = carried()
    clamp, flexure = twin.graph.components["clamp"], twin.graph.components["flexure"]
    assert isinstance(clamp, Clamp) and isinstance(flexure, Flexure)
    with pytest.raises(SimulationError, match="the coil is locked"):
        twin.clock.run(flexure.move(glide(0.0, 1e-3, 0, NS)))
    assert flexure.commanded() == (0.0, 0.0)
    twin.clock.run(clamp.unlock(0.5))
    start = twin.clock.now
    assert start == NS // 2 and not clamp.is_locked
    twin.clock.run(flexure.move(glide(0.0, 1e-3, start, start + NS)))
    assert flexure.commanded() == (1e-3, 0.0)


def test_it_is_locked_from_when_it_begins_to_close_until_it_has_opened() -> None:
    twin = carried(closed=False)
    clamp = twin.graph.components["clamp"]
    assert isinstance(clamp, Clamp)
    twin.clock.run(clamp.lock(1.0))
    twin.clock.run(clamp.unlock(1.0))
    assert twin.signal("clamp.locked")(np.array([0.0, 0.5, 1.5, 1.999, 2.0])).tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_a_coil_that_moves_is_not_locked() -> None:
    twin = carried(closed=False)
    clamp, flexure = twin.graph.components["clamp"], twin.graph.components["flexure"]
    assert isinstance(clamp, Clamp) and isinstance(flexure, Flexure)
    twin.clock.process(flexure.move(glide(0.0, 1e-3, 0, 2 * NS)))

    def later() -> object:
        yield twin.clock.until(NS)
        yield from clamp.lock(0.0)

    with pytest.raises(SimulationError, match="the coil moves"):
        twin.clock.run(later())  # type: ignore[arg-type]
    assert not clamp.is_locked

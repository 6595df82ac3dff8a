"""Power-regulated OMTP: what the ramps do to the stop, and what the regulation leaves of the heat."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.campaigns.runs import two_windings as short
from twin.errors import SimulationError

I_NIST4 = 0.5 * 9.80665 / 695.9


@pytest.mark.parametrize("name", ["nist4_power_regulated", "kbmini_power_regulated"])
def test_both_windings_press_against_the_stop_by_the_square_root_of_two(name: str) -> None:
    result = short(name).ideal().with_({"balance.second_coil.winding_factor": 1.0, "balance.magnet.profile": []}).run()
    assert result.contacts["count"] == 4 * 4 * 2
    assert result.contacts["largest_overshoot"] == pytest.approx(math.sqrt(2) - 1, rel=1e-6)
    weight = 0.5 * 9.80665
    assert result.contacts["largest_force_N"] == pytest.approx(math.sqrt(2) * weight, rel=2e-4)  # less buoyancy


def test_a_stop_that_gives_way_ends_the_run() -> None:
    with pytest.raises(SimulationError, match=r"the coil pushes with 6\.9.* N .* more than its strength of 6 N"):
        short("nist4_power_regulated", balance__stop__strength=6.0).run()


def test_power_is_constant_through_ramps_and_holds() -> None:
    keys = {"balance.compensating_source.gain": 0.0, "balance.second_coil.resistance": 221.56}
    keys["balance.second_coil.winding_factor"] = 1.0
    result = short("nist4_power_regulated").ideal().with_(keys).run()
    power = np.concatenate([b.values.ravel() for b in result.truth if b.channel == "coil.power"])
    assert power == pytest.approx(np.full(power.shape, I_NIST4**2 * 221.56), rel=2e-4)  # buoyancy
    assert np.ptp(power) < 1e-9 * power.mean()


def test_the_compensating_source_is_off_while_anything_is_read() -> None:
    """Otherwise its offset would flow through the winding that is sensed, and R times it be seen."""
    keys = {"balance.compensating_source.offset": 1e-6}
    on, off = (short("nist4_power_regulated").ideal().with_(k).run() for k in (keys, {}))
    for with_, without in zip(
        on.readings.select("induced_voltmeter", phase="velocity"),
        off.readings.select("induced_voltmeter", phase="velocity"),
        strict=True,
    ):
        assert np.array_equal(with_.values, without.values)

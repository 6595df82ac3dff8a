"""Heat conducted in a magnet: its basis, and campaigns from it."""

from __future__ import annotations

import numpy as np
import pytest

from components.fields.heat import heat_model
from components.fields.named import named_geometry
from components.fields.periodic_heating import PeriodicPower, temperatures
from components.fields.reduced_basis import reduce, thermal_basis
from scenarios.reduction.thermal import thermal_analysis


@pytest.mark.parametrize("name", ["nist4", "kbmini"])
def test_basis(benchmark, name: str) -> None:
    """Target: at most 1 s, without the cache."""
    geometry = named_geometry(name, purpose="heat")
    basis = benchmark(lambda: reduce(heat_model(geometry)))
    assert basis.states == 17


def test_four_periods_of_tmtp(benchmark) -> None:
    """Target: at most 30 ms for modes, periodic steady state, temperatures once a second, and the analysis."""
    basis = thermal_basis(named_geometry("nist4", purpose="heat"), cached=False)
    period = np.arange(4)[:, None, None] * 7200.0
    weighing = (period + 180.0 * np.arange(20)[:, None] + [75.0, 135.0]).reshape(-1, 2)
    velocity = (period + 3600.0 + 90.0 * np.arange(40)[:, None] + [15.0, 75.0]).reshape(-1, 2)

    def campaign(p: float) -> float:
        power = PeriodicPower.blocks([3600.0, 3600.0], [5.5e-3 / p**3, 0.0])
        times = np.arange(28800.0)
        magnet = temperatures(basis.modes(p, 10.0), power, times)[0]
        return thermal_analysis(times, magnet, power.at(times), 7200.0, weighing, velocity).delta_t_m_K

    assert benchmark(campaign, 11 / 30) > 0

"""Figures of periodic heating, and what inferred dimensions do to them."""

from __future__ import annotations

import numpy as np
import pytest

from components.fields.catalogue import KBMINI, NIST4_THERMAL
from components.fields.heat_influence import heat_influence, thermal_figures
from components.fields.reduced_basis import thermal_basis


def test_figures_scale_with_size() -> None:
    """At p² τ and h/p, temperatures are those of the power over p, and times go as p²."""
    p = 0.4
    one, small = thermal_figures(KBMINI, 3600.0), thermal_figures(KBMINI, p**2 * 3600.0, p, 10.0 / p)
    for key, value in one.items():
        assert small[key] == pytest.approx(value * (p**2 if key == "lag_s" else 1 / p), rel=1e-8), key


def test_a_slow_period_shows_the_steady_state_and_no_lag() -> None:
    """The magnets then follow the power: half a period in which they are hot, and a lag of −τ/4."""
    modes = thermal_basis(KBMINI).modes(1.0, 10.0)
    steady = float(modes.outputs[0] @ (modes.power / modes.rates))
    found = thermal_figures(KBMINI, 1e9)
    assert found["mean_K"] == pytest.approx(steady / 2, rel=1e-4)
    assert found["difference_K"] == pytest.approx(-steady, rel=1e-2)
    assert found["swing_K"] == pytest.approx(4 / np.pi * steady, rel=1e-4)
    assert found["lag_s"] == pytest.approx(-0.25e9, rel=1e-4)


def test_every_inferred_dimension_is_listed() -> None:
    found = heat_influence(KBMINI, 3600.0)
    assert set(found) == {d for d in KBMINI.inferred if KBMINI.value(d)}
    assert all(set(row) == {"swing_K", "lag_s", "difference_K", "coil_swing_K", "mean_K"} for row in found.values())


def test_the_copper_of_the_coil_damps_its_swing_and_changes_no_mean() -> None:
    only = NIST4_THERMAL.model_copy(update={"inferred": frozenset({"coil.fill"})})
    row = heat_influence(only, 7200.0)["coil.fill"]
    assert -1.0 < row["swing_K"] < -0.3
    assert -1.0 < row["coil_swing_K"] < -0.3
    assert abs(row["mean_K"]) < 1e-4
    assert row["lag_s"] > 0

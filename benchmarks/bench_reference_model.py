"""The reference model of co-simulation: 8 h of virtual time, warm."""

from __future__ import annotations

import exact_reference
import numpy as np
import reference_model


def test_reference_model_8_h(benchmark) -> None:
    """Target: at most 0.20 s on one core."""
    readings = benchmark(reference_model.run)
    assert readings.samples == 8 * 8 * 3600


def test_reference_model_is_exact() -> None:
    """At most 1e-12 of full scale from the closed form at 40 digits."""
    seconds, exact = exact_reference.exact(2, 17)
    readings = reference_model.run(2)
    for column, quantity in enumerate(("t0", "t1", "t2", "t3", "t4", "x", "voltage")):
        ours = np.concatenate([b.values[0] for b in readings if b.quantity == quantity])[seconds - 1]
        assert np.abs(ours - exact[:, column]).max() <= 1e-12 * np.abs(exact[:, column]).max()

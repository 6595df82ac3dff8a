"""The support gives way under the magnet, and the coil finds itself elsewhere in it."""

from __future__ import annotations

import numpy as np
import pytest

from components.support import Support
from tests.components.bench import bench, path
from twin.piece import ramp
from twin.signal import Constant
from twin.times import NS


def test_the_magnet_sinks_under_what_the_coil_lifts() -> None:
    """Action and reaction: 4.9 N up on the coil at 20 nm/N put the magnet 98 nm down."""
    force = path(ramp(-4.9, 4.9, 0, NS))
    shift = bench(Support(compliance=2e-8), force=force).signal("part.magnet_displacement")
    assert shift(np.array([0.0, 0.5, 1.0])) == pytest.approx([9.8e-8, 0.0, -9.8e-8], rel=1e-14, abs=1e-22)


def test_a_rigid_support_leaves_nothing_in_the_graph() -> None:
    rigid = Support(compliance=1e-8).ideal()
    assert rigid == Support()
    assert rigid.neutral_inputs() == {"force"}
    assert Support(compliance=1e-8).neutral_inputs() == frozenset()
    shift = bench(rigid, force=path(ramp(0.0, 1.0, 0, NS))).signal("part.magnet_displacement")
    assert isinstance(shift, Constant)
    assert shift.value == 0.0


def test_without_a_force_wired_it_stays() -> None:
    assert bench(Support(compliance=1e-8)).signal("part.magnet_displacement")(0.0) == 0.0


def test_a_negative_compliance_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Support(compliance=-1e-8)

"""The clamp holds."""

from __future__ import annotations

import numpy as np

from components.clamp import Clamp
from tests.components.bench import bench


def test_it_holds_the_coil_where_it_is_told() -> None:
    twin = bench(Clamp(position=-2e-3))
    assert twin.signal("part.position")(np.array([0.0, 1e5])).tolist() == [-2e-3, -2e-3]
    assert twin.signal("part.locked")(np.array([0.0, 1e5])).tolist() == [1.0, 1.0]
    assert Clamp(position=-2e-3).scaled(0.5).position == -1e-3

"""Ma2025: what of the geomagnetic field gets into the gap of the Tsinghua magnet, whose inside is inferred."""

from __future__ import annotations

from components.fields.catalogue import TSINGHUA
from components.fields.external import far_vertical
from tests.published.values import published


def test_far_vertical() -> None:
    """48 µT, magnets replaced by air. With the gap at 80 mm instead of 85 mm it would be 3.21e-6 T/m."""
    published()["ma2025.far_vertical.slope"].check(far_vertical(TSINGHUA, 48e-6).slope())

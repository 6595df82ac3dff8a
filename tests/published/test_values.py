"""The comparison with published values compares."""

from __future__ import annotations

import pytest

from tests.published.values import Published, published


def value(tolerance: float | str | None) -> Published:
    return Published("paper.x", -2.0, "K", "sec. 1", "test", tolerance)


@pytest.mark.parametrize("tolerance", [0.05, "abs: 0.1"])
def test_a_band_is_relative_or_absolute(tolerance: float | str) -> None:
    row = value(tolerance)
    assert row.band == pytest.approx(0.1)
    row.check(-2.09)
    row.check(-1.91)
    for found in (-2.11, -1.89, 2.0, float("nan")):
        with pytest.raises(AssertionError, match=r"paper\.x .*published -2 ± 0.1 K"):
            row.check(found)


def test_a_limit_is_not_exceeded() -> None:
    row = Published("paper.x", 5e-8, "1", "sec. 1", "limit")
    row.check(5e-8)
    row.check(-4e-8)
    for found in (5.1e-8, -5.1e-8, float("nan")):
        with pytest.raises(AssertionError, match=r"paper\.x .*at most 5e-08 1, found"):
            row.check(found)


def test_a_bound_from_below_is_reached() -> None:
    row = Published("paper.x", 0.6, "1", "fig. 7", "test", "at least")
    row.check(0.6)
    row.check(0.9)
    for found in (0.59, -0.7, float("nan")):
        with pytest.raises(AssertionError, match=r"paper\.x .*at least 0.6 1, found"):
            row.check(found)


def test_what_has_no_tolerance_is_not_asserted() -> None:
    with pytest.raises(AssertionError, match="is not asserted"):
        value(None).check(-2.0)


def test_every_row_that_is_tested_has_a_tolerance() -> None:
    rows = published().values()
    assert len(rows) >= 11
    for row in rows:
        assert (row.tolerance is not None) == (row.gate == "test"), row.id

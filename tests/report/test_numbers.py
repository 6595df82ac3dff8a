"""Numbers of a report: a value is rounded where its uncertainty is, and can be read back."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scenarios.report.numbers import digits_of, plus_minus, prefixed, readable, significant

SIZES = st.floats(1e-14, 1e14)
VALUES = st.one_of(st.just(0.0), SIZES, SIZES.map(lambda size: -size))
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


def number(text: str) -> float:
    """A number as it was written."""
    return float(text.replace("\N{NARROW NO-BREAK SPACE}", "").replace("−", "-"))


def read(text: str) -> tuple[float, float]:
    """Value and uncertainty as they were written, in the unit V."""
    found = re.fullmatch(r"\((.+) ± (.+)\)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))? ([fpnµmkMG]?)V", text)
    assert found, text
    factor = 10.0 ** int((found[3] or "⁰").translate(SUPERSCRIPTS)) * PREFIXES[found[4]]
    return number(found[1]) * factor, number(found[2]) * factor


@given(VALUES, SIZES, st.booleans())
@example(9.8, 99.6, False)
@example(0.5, 0.00995, True)
@example(-7.86e-4, 7.91e-4, True)
def test_can_be_read_back(value: float, u: float, prefix: bool) -> None:
    """u is right to two digits, and the value to half a unit of the second of them."""
    if u <= 1e-15 * abs(value):
        return
    found, spread = read(plus_minus(value, u, "V", prefix=prefix))
    assert spread == pytest.approx(u, rel=0.0501)
    assert abs(found - value) <= 0.0501 * u * 10 + 1e-12 * abs(value)
    last = 10.0 ** (math.floor(math.log10(spread * (1 + 1e-9))) - 1)
    assert abs(found - value) <= 0.5001 * last + 1e-9 * u + 1e-15 * abs(value)


@given(VALUES, SIZES, st.integers(-12, 12))
def test_as_many_decimals_and_two_digits(value: float, u: float, power: int) -> None:
    """Value and uncertainty end at the same place; the uncertainty has two significant digits, or ends in zeros."""
    shown, spread = (text.replace("\N{NARROW NO-BREAK SPACE}", "") for text in digits_of(value, u, power))
    assert len(shown.partition(".")[2]) == len(spread.partition(".")[2])
    digits = spread.replace(".", "").lstrip("0")
    assert len(digits.rstrip("0")) <= 2 and (len(digits) == 2 or "." not in spread)


@pytest.mark.parametrize(
    ("value", "u", "prefix", "text"),
    [
        (1.0, 0.0, False, "1 V"),
        (1.0, None, False, "1 V"),
        (-0.25, 1e-17, False, "−0.25 V"),
        (math.nan, 1.0, False, "not known"),
        (-1e-9, 1.0, False, "(0.0 ± 1.0) V"),
        (1.5e-7, 2e-9, False, "(1.500 ± 0.020) × 10⁻⁷ V"),
        (-786e-6, 791e-6, True, "(−790 ± 790) µV"),
        (9.99, 0.996, False, "(10.0 ± 1.0) V"),
    ],
)
def test_written(value: float, u: float | None, prefix: bool, text: str) -> None:
    """Without uncertainty a value stands alone; there is no minus zero."""
    assert plus_minus(value, u, "V", prefix=prefix) == text


@given(VALUES.filter(bool), st.integers(1, 8))
def test_significant_digits(value: float, digits: int) -> None:
    """Half a unit of the last digit, and no digit more than asked for."""
    text = significant(value, digits)
    mantissa, _, power = text.partition(" × 10")
    found = number(mantissa) * 10.0 ** int(power.translate(SUPERSCRIPTS) or 0)
    assert found == pytest.approx(value, rel=0.5001 * 10.0 ** (1 - digits), abs=0.0)


@given(st.lists(VALUES.filter(bool), min_size=1))
def test_prefix_of_an_axis(values: list[float]) -> None:
    """The largest value is between 1 and 1000, as far as there are prefixes."""
    factor, unit = prefixed("A", values)
    largest = max(abs(value) for value in values)
    assert PREFIXES[unit.removesuffix("A")] * factor == pytest.approx(1.0)
    assert factor * largest < 1000.0 * (1 + 1e-9) or unit == "GA"
    assert factor * largest > 1.0 - 1e-9


def test_units() -> None:
    """Units of blocks as they are printed."""
    assert [readable(u) for u in ("T*m", "kg/m^3", "1", "m/s^2/A", "ohm", "K^-1", "V/Hz^0.5")] == [
        "T·m", "kg/m³", "", "m/s²/A", "Ω", "K⁻¹", "V/√Hz",
    ]  # fmt: skip

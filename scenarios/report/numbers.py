"""Numbers as they stand in a report: rounded to two digits of their uncertainty, with the prefix that keeps them short.

>>> plus_minus(1399.9754, 0.0126, "T·m")
'(1399.975 ± 0.013) T·m'
>>> plus_minus(-7.86e-4, 7.91e-4, "g", prefix=True)
'(−790 ± 790) µg'
"""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

MINUS, NARROW = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"
ROUNDING = 1e-14  # relative; a smaller difference is one of the arithmetic
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


class Prefix(NamedTuple):
    """A power of ten and the prefix that stands for it: a quantity is `factor` × its value in the unit, in `unit`."""

    factor: float
    unit: str


def plus_minus(value: float, u: float | None, unit: str, *, prefix: bool = False) -> str:
    """A value and its standard uncertainty, both rounded to the second significant digit of the latter.

    Parameters
    ----------
    u : standard uncertainty; the value stands alone, to ten digits, if there is none.
    unit : as it is written; "" for none.
    prefix : whether the unit may take a prefix; else a power of ten where it saves many zeros.
    """
    if not math.isfinite(value):
        return "not known"
    if u is None or not math.isfinite(u) or u <= 1e-15 * abs(value):  # none, or below what a float can tell
        return f"{grouped(plain(value))} {unit}".rstrip()
    size = max(abs(value), u)
    power = math.floor(math.log10(size))
    if prefix:
        power = min(max(3 * math.floor(power / 3), min(_PREFIXES)), max(_PREFIXES))
    elif -5 < power < 5:
        power = 0
    shown, spread = digits_of(value, u, power)
    times, named = ("", _PREFIXES[power] + unit) if prefix else (f" × 10{superscript(power)}" if power else "", unit)
    return f"({shown} ± {spread}){times} {named}".rstrip()


def digits_of(value: float, u: float, power: int = 0) -> tuple[str, str]:
    """The digits of value and uncertainty in units of 10^power, to the second significant digit of the uncertainty."""
    last = math.floor(math.log10(u)) - 1
    if round(u / 10.0**last) >= 100:  # 9.96 becomes 10, and has its second digit one place up
        last += 1
    place = Decimal(1).scaleb(last)
    with localcontext(Context(prec=400)):  # floats are decimal numbers of at most this many digits here
        value_text, u_text = (f"{Decimal(number).quantize(place).scaleb(-power):f}" for number in (value, u))
    return grouped(value_text), grouped(u_text)


def significant(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, in full where it has few zeros, else with a power of ten.

    >>> significant(0.12345), significant(-1.5e-9), significant(271.0)
    ('0.123', '−1.50 × 10⁻⁹', '271')
    """
    if not math.isfinite(value):
        return "∞" if math.isinf(value) else "–"
    if value == 0.0:
        return "0"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    power = int(exponent)
    if -5 < power < 6:
        return grouped(f"{float(f'{mantissa}e{exponent}'):.{max(digits - 1 - power, 0)}f}")
    return f"{grouped(mantissa)} × 10{superscript(power)}"


def plain(value: float, digits: int = 10) -> str:
    """A number without needless zeros, for parameters.

    >>> plain(0.3), plain(1e-9), plain(25.0)
    ('0.3', '1e-09', '25')
    """
    return f"{value:.{digits}g}"


def grouped(digits: str) -> str:
    """A decimal number in groups of three digits from the decimal point, four together, with a proper minus sign."""
    sign, digits = (MINUS, digits[1:]) if digits.startswith("-") else ("", digits)
    if sign and not digits.strip("0."):
        sign = ""  # no −0.00
    number, e, exponent = digits.partition("e")
    if e:
        return f"{sign}{number} × 10{superscript(int(exponent))}"
    whole, point, decimals = number.partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", NARROW)
    if len(decimals) > 4:
        decimals = NARROW.join(decimals[i : i + 3] for i in range(0, len(decimals), 3))
    return sign + whole + point + decimals


def superscript(power: int) -> str:
    """An exponent."""
    return str(power).translate(_SUPERSCRIPTS)


def prefixed(unit: str, values: ArrayLike) -> Prefix:
    """The prefix with which the largest of some values lies between 1 and 1000, for an axis.

    >>> prefixed("A", [0.0, -0.0035])
    Prefix(factor=1000.0, unit='mA')
    """
    sizes = np.abs(np.asarray(values, dtype=float))
    sizes = sizes[np.isfinite(sizes)]
    largest = float(sizes.max(initial=0.0))
    power = 3 * math.floor(math.log10(largest) / 3.0 + 1e-9) if largest else 0
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    return Prefix(10.0**-power, _PREFIXES[power] + unit)


def deviation(values: ArrayLike, reference: float) -> NDArray[np.float64]:
    """values/reference − 1, beyond rounding."""
    return beyond_rounding(np.asarray(values, dtype=float) / reference - 1.0, 1.0)


def beyond_rounding(differences: ArrayLike, whole: float) -> NDArray[np.float64]:
    """Differences between numbers of the size `whole`; 0 where they are no larger than the rounding of these."""
    given = np.asarray(differences, dtype=float)
    found: NDArray[np.float64] = np.where(np.abs(given) > ROUNDING * abs(whole), given, 0.0)
    return found


def relative_scale(values: ArrayLike) -> Prefix:
    """Factor and unit for relative deviations on an axis: ppm, or parts in 10⁹ where they are small."""
    sizes = np.abs(np.asarray(values, dtype=float))
    largest = float(sizes[np.isfinite(sizes)].max(initial=0.0))
    return Prefix(1e6, "ppm") if largest >= 1e-7 or largest == 0.0 else Prefix(1e9, "10⁻⁹")


def readable(unit: str) -> str:
    """A unit as it is printed: ``V/s^2`` is V/s², ``V/Hz^0.5`` is V/√Hz; the unit 1 has no sign.

    >>> readable("T*m"), readable("kg/m^3"), readable("1")
    ('T·m', 'kg/m³', '')
    """
    parts = "" if unit == "1" else unit.replace("*", "·").replace("ohm", "Ω").replace("Hz^0.5", "√Hz")
    head, *powers = parts.split("^")
    for power in powers:
        size = len(power) - len(power.lstrip("-0123456789"))
        head += power[:size].translate(_SUPERSCRIPTS) + power[size:]
    return head

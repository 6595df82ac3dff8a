"""The formats in which a 3458A sends and stores readings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FORMATS = {"ASCII": 1, "SINT": 2, "DINT": 3, "SREAL": 4, "DREAL": 5}
BYTES = {1: 16, 2: 2, 3: 4, 4: 4, 5: 8}
"""Of a reading in memory."""
OVERLOAD = 1e38
"""Stands for a voltage beyond the range."""
TYPES = {2: ">i2", 3: ">i4", 4: ">f4", 5: ">f8"}
HEADROOM = 1.25
"""Integers reach beyond the 120 % to which a range counts, so that an overload has a number of its own."""


def integer_scale(kind: int, full_scale: float) -> float:
    """What an integer reading is to be multiplied with (V); 1 for formats that are none."""
    if kind not in (FORMATS["SINT"], FORMATS["DINT"]):
        return 1.0
    return HEADROOM * full_scale / (2.0**15 if kind == FORMATS["SINT"] else 2.0**31)


def encoded(values: Array, kind: int, full_scale: float, separator: bytes = b"\r\n") -> bytes:
    """Readings (V) as they are sent, most significant byte first; `separator` ends each one in ASCII."""
    if kind == FORMATS["ASCII"]:
        return b"".join(b"% .8E" % value + separator for value in values.tolist())
    if kind in (FORMATS["SREAL"], FORMATS["DREAL"]):
        return values.astype(TYPES[kind]).tobytes()
    most = np.iinfo(TYPES[kind]).max
    counts = np.rint(values / integer_scale(kind, full_scale))
    counts = np.where(np.abs(values) >= OVERLOAD, np.where(values > 0, most, -most - 1), counts)
    return np.clip(counts, -most - 1, most).astype(TYPES[kind]).tobytes()

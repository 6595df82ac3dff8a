"""The words of a 3458A: its errors, events and formats by name and number, and what its commands set.

Where a core says ``RANGE`` or ``EVENTS["SGL"]``, it is from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hw_bridge.cores.reading_format import FORMATS

HARDWARE, CALIBRATION, TOO_FAST, SYNTAX, REMOTE, UNDEFINED, RANGE, MEMORY = (1 << k for k in range(8))
CONFLICT, SUBPROGRAM, SYSTEM = 2048, 8192, 16384
ERROR_REGISTER = 100
"""``ERRSTR?`` numbers an error by its bit of the error register, in the 100 series (the 200 series: AUXERR)."""
MESSAGES = {
    HARDWARE: "HARDWARE ERROR -- SEE AUXERR?",
    CALIBRATION: "CALIBRATION ERROR",
    TOO_FAST: "TRIGGER TOO FAST",
    SYNTAX: "SYNTAX ERROR",
    REMOTE: "COMMAND NOT ALLOWED FROM REMOTE",
    UNDEFINED: "UNDEFINED PARAMETER RECEIVED",
    RANGE: "PARAMETER OUT OF RANGE",
    MEMORY: "MEMORY ERROR",
    CONFLICT: "SETTINGS CONFLICT",
    SUBPROGRAM: "SUBPROGRAM ERROR",
    SYSTEM: "SYSTEM ERROR",
}
REJECTED: Mapping[str, int] = {
    **dict.fromkeys(("ACV", "ACDCV", "ACI", "ACDCI", "DCI", "OHM", "FREQ", "PER"), HARDWARE),
    **dict.fromkeys(("DSAC", "DSDC", "SSAC", "SSDC", "SSPARM", "SSRC", "ACBAND", "SETACV", "FSOURCE"), HARDWARE),
    **dict.fromkeys(("MMATH", "SMATH", "RMATH", "RATIO", "LEVEL", "LFILTER", "SLOPE"), CONFLICT),
    **dict.fromkeys(("CALL", "CONT", "PAUSE", "SUB", "SUBEND", "COMPRESS", "DELSUB", "SCRATCH"), SUBPROGRAM),
    **dict.fromkeys(("SSTATE", "RSTATE", "PURGE", "REMST"), MEMORY),
    **dict.fromkeys(("CAL", "SCAL", "SECURE", "CALSTR", "TEST"), CALIBRATION),
    **dict.fromkeys(("ADDRESS", "DEFKEY"), REMOTE),
}
"""Commands of the real instrument that the twin does not carry out, with the bit of the error register that says so."""

FUNCTIONS = {"DCV": 1, "OHMF": 5}
"""That are carried out, with their numbers."""
EVENTS = {"AUTO": 1, "EXT": 2, "SGL": 3, "HOLD": 4, "SYN": 5}
SAMPLES = {"AUTO": 1, "SYN": 5, "TIMER": 6}
STATES = {"OFF": 0, "ON": 1}
ONCE = {**STATES, "ONCE": 2}
MEMORIES = {"OFF": 0, "LIFO": 1, "FIFO": 2, "CONT": 3}
ENDS = {**STATES, "ALWAYS": 2}
QUERIES = {"NUM": 0, "NORM": 1, "ALPHA": 2}
ACALS = {"ALL": 0, "DCV": 1, "AC": 2, "OHMS": 4}
ACAL_TIME = {0: 960.0, 1: 165.0, 2: 165.0, 4: 660.0}
LEAST_APERTURE, LARGEST_APERTURE, TICK = 500e-9, 1.0, 100e-9
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\Z", re.ASCII)


class FaultError(Exception):
    """What sets a bit of the error register."""

    def __init__(self, bit: int) -> None:
        super().__init__(MESSAGES[bit])
        self.bit = bit


@dataclass
class Settings:
    """What commands set, as after ``RESET``."""

    auto_range: bool = True
    offset_compensation: bool = False
    aperture: float = 0.2
    line: float = 50.0
    arm: int = EVENTS["AUTO"]
    trigger: int = EVENTS["AUTO"]
    count: int = 1
    sample: int = SAMPLES["AUTO"]
    timer: float = 1.0
    delay: float | None = None
    output: int = FORMATS["ASCII"]
    end: int = ENDS["OFF"]
    query: int = QUERIES["NORM"]
    emask: int = 32767
    service: int = 0
    external: tuple[int, int] = (1, 0)
    digits: int = 7
    kept: dict[str, int] = field(
        default_factory=lambda: {
            "INBUF": 0,
            "DISP": 1,
            "LOCK": 0,
            "FIXEDZ": 0,
            "BEEP": 1,
            "TBUFF": 0,
            "DEFEAT": 0,
            "MENU": 1,
        }
    )


def word(text: str, names: Mapping[str, int], default: int) -> int:
    """A parameter that is a name or its number."""
    if text in ("", "-1"):
        return default
    if text.upper() in names:
        return names[text.upper()]
    if not _NUMBER.match(text):
        raise FaultError(UNDEFINED)
    if float(text) not in names.values():
        raise FaultError(RANGE)
    return int(float(text))


def real(text: str, low: float, high: float, default: float) -> float:
    """A parameter that is a number."""
    if text in ("", "-1"):
        return default
    if not _NUMBER.match(text):
        raise FaultError(UNDEFINED)
    if not low <= float(text) <= high:
        raise FaultError(RANGE)
    return float(text)


def integer(text: str, low: int, high: int, default: int) -> int:
    """A parameter that is a whole number; a fraction is rounded."""
    return round(real(text, low, high, default))


def shown(value: float) -> str:
    """A number in a reply."""
    return f"{value:.9E}"

"""A PI motion controller with one axis: GCS 2 to the operations of a `MotionStage`.

Like the real one, the controller plans its motions itself, from rest to rest within velocity and acceleration, and
answers in millimetres. A command is a line; a few are single characters below the space, which are dealt with at once.
Nothing but a query is answered; what went wrong waits for ``ERR?``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from components.flexure import Flexure
from components.motion import travel
from components.roles import MotionStage
from hw_bridge.cores.core import Answer, Core
from hw_bridge.session import Session
from twin.clock import Clock, Process
from twin.errors import SimulationError

AXIS = "1"
MM = 1e-3
TRAVEL = 12.5 * MM
"""To either side of the middle, where the balance states no stops (m)."""
LARGEST_VELOCITY, LARGEST_ACCELERATION = 20.0 * MM, 100.0 * MM
ABRUPT = 10.0
"""A stop brakes by so much more than a motion does."""
OK, PARAMETER, UNKNOWN, UNREFERENCED, LIMITS, VELOCITY, STOPPED, AXIS_NAME = 0, 1, 2, 5, 7, 8, 10, 15
OUT_OF_RANGE, COUNT, NOT_ALLOWED, FAILED = 17, 24, 34, 555
REJECTED: Mapping[str, int] = dict.fromkeys(
    (
        *("MAC", "MAC?", "JON", "JON?", "JDT", "JAX", "JLT", "DRC", "DRC?", "DRR?", "DRT", "TRO", "CTO", "WAC", "DEL"),
        *(
            "SPA",
            "SEP",
            "WPA",
            "RPA",
            "RST",
            "INI",
            "CST",
            "SAI",
            "FNL",
            "FPL",
            "FED",
            "GOH",
            "DFH",
            "POS",
            "DIO",
            "SMO",
        ),
        *("CPY", "JRC", "MEX", "VAR", "ADD", "RBT", "IFC", "BDR", "CCL", "RON"),
    ),
    NOT_ALLOWED,
)
"""Commands of real controllers that the twin does not carry out, with the error that answers them."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\Z", re.ASCII)


class GcsError(Exception):
    """What ``ERR?`` will report."""

    def __init__(self, code: int) -> None:
        super().__init__(f"GCS error {code}")
        self.code = code


class PiGcs(Core):
    """See the module. The axis has to be referenced (``FRF``) before it moves, with its servo on."""

    model: ClassVar[str] = "PI GCS"

    def __init__(self, name: str, clock: Clock, stage: MotionStage) -> None:
        super().__init__(name, clock)
        self.stage = stage
        low, high = stage.travel
        self.travel = (low if math.isfinite(low) else -TRAVEL, high if math.isfinite(high) else TRAVEL)
        self.error = OK
        self.servo, self.referenced = True, False
        self.velocity, self.acceleration = 1.0 * MM, 5.0 * MM
        self.target = stage.commanded()[0]
        self._end = 0
        self._commands: dict[str, Callable[..., Any]] = {
            key.removeprefix("do_"): getattr(self, key) for key in dir(type(self)) if key.startswith("do_")
        }

    # --- messages ----------------------------------------------------------------------------------------------------

    def split(self, session: Session, data: bytes, end: bool) -> list[bytes]:
        messages: list[bytes] = []
        start = 0
        for k, byte in enumerate(data):
            if byte < 32 and byte not in b"\t\r\n":
                messages += [*super().split(session, data[start:k], False), bytes([byte])]
                start = k + 1
        return [*messages, *super().split(session, data[start:], end)]

    def execute(self, message: bytes, answer: Answer) -> Process:
        try:
            reply = self._single(message[0]) if message[0] < 32 else self._line(message.decode("ascii", "replace"))
        except GcsError as error:
            self.error = error.code
            return
        except SimulationError:  # the stage refuses
            self.error = LIMITS
            return
        if reply is not None:
            yield from answer.send(reply.encode("latin-1") + b"\n")

    def _line(self, line: str) -> str | None:
        command, *words = line.split()
        command = command.upper()
        if command == "*IDN?":
            return "(c)2026 Physik Instrumente (PI) GmbH & Co. KG, C-863.11, 0, 1.2.1.0"
        if command in REJECTED:
            raise GcsError(REJECTED[command])
        replies = self._asked()
        if command in replies:
            return self._of_axis(replies[command], words)
        plain = {
            "HLP?": self._help,
            "ERR?": self._last_error,
            "VER?": lambda: "FW_DSP: 1.2.1.0",
            "CSV?": lambda: "2.0",
            "SAI?": lambda: AXIS,
        }
        if command in plain:
            return plain[command]()
        handler = self._commands.get(command)
        if handler is None:
            raise GcsError(UNKNOWN)
        code = handler.__code__
        most, least = code.co_argcount - 1, code.co_argcount - 1 - len(handler.__defaults__ or ())
        if not least <= len(words) <= most:
            raise GcsError(COUNT)
        if words and words[0] != AXIS:
            raise GcsError(AXIS_NAME)
        handler(*words)
        return None

    def _of_axis(self, reply: str, words: list[str]) -> str:
        if any(word != AXIS for word in words):
            raise GcsError(AXIS_NAME)
        return f"{AXIS}={reply}"

    def _help(self) -> str:
        """What there is, a line each; a blank before the line feed says that there is more."""
        queries = ["*IDN?", "ERR?", "VER?", "CSV?", "SAI?", "HLP?", *self._asked()]
        lines = ["#4", "#5", "#7", "#24", *sorted({*self._commands, *queries})]
        return " \n".join(["The following commands are valid:", *lines, "end of help"])

    def _last_error(self) -> str:
        code, self.error = self.error, OK
        return str(code)

    def _asked(self) -> Mapping[str, str]:
        """Replies about the axis."""
        low, high = self.travel
        return {
            "POS?": _shown(self.stage.commanded()[0]),
            "MOV?": _shown(self.target),
            "ONT?": str(int(not self.moving)),
            "VEL?": _shown(self.velocity),
            "ACC?": _shown(self.acceleration),
            "DEC?": _shown(self.acceleration),
            "SVO?": str(int(self.servo)),
            "FRF?": str(int(self.referenced)),
            "TMN?": _shown(low),
            "TMX?": _shown(high),
            "LIM?": "1",
            "TRS?": "1",
            "RON?": "1",
            "PUN?": "MM",
            "CST?": "KIBBLE-COIL" if isinstance(self.stage, Flexure) else f"KIBBLE-{self.name.upper()}",
        }

    def _single(self, byte: int) -> str | None:
        if byte == 4:
            return f"0x{0x1000 * self.servo | 0x2000 * self.moving | 0x8000 * (not self.moving):X}"
        if byte == 5:
            return str(int(self.moving))
        if byte == 7:
            return "\xb1"  # ready
        if byte == 24:
            self.do_STP()
            return None
        raise GcsError(UNKNOWN)

    def failed(self, reason: str) -> None:
        self.error = FAILED

    def too_long(self) -> None:
        self.error = PARAMETER

    def status_byte(self, session: Session) -> int:
        return 0  # GCS has none

    def trigger(self, session: Session) -> None:
        """There is none in GCS."""

    # --- motion ------------------------------------------------------------------------------------------------------

    @property
    def moving(self) -> bool:
        """Whether it is on its way."""
        return self.clock.now < self._end

    @property
    def arrival(self) -> int:
        """When the last motion ends or has ended (ns)."""
        return self._end

    def _go(self, target: float, acceleration: float) -> None:
        """Set off for a position (m); what moved before goes on from where it is."""
        low, high = self.travel
        if not low <= target <= high:
            raise GcsError(LIMITS)
        position, velocity = self.stage.commanded()
        laws = travel(position, velocity, target, self.velocity, acceleration, self.clock.now)
        if laws:
            operation = self.stage.move(laws)
            try:
                next(operation)  # what the stage refuses, it refuses at once; the rest is waiting
            except SimulationError:  # it is within its travel: something holds it
                raise GcsError(NOT_ALLOWED) from None
            self._end = laws[-1].end or self.clock.now
        self.target = target

    def do_MOV(self, axis: str, position: str) -> None:
        if not (self.servo and self.referenced):
            raise GcsError(UNREFERENCED)
        self._go(_number(position) * MM, self.acceleration)

    def do_MVR(self, axis: str, distance: str) -> None:
        if not (self.servo and self.referenced):
            raise GcsError(UNREFERENCED)
        self._go(self.target + _number(distance) * MM, self.acceleration)

    def do_FRF(self, axis: str = AXIS) -> None:
        """The reference is where the coordinate is zero."""
        if not self.servo:
            raise GcsError(UNREFERENCED)
        self._go(0.0, self.acceleration)
        self.referenced = True

    def do_STP(self) -> None:
        self._halt(ABRUPT)
        raise GcsError(STOPPED)

    def do_HLT(self, axis: str = AXIS) -> None:
        self._halt(1.0)
        raise GcsError(STOPPED)

    def _halt(self, factor: float) -> None:
        position, velocity = self.stage.commanded()
        acceleration = factor * self.acceleration
        low, high = self.travel
        stop = position + 0.5 * velocity * abs(velocity) / acceleration
        if velocity:
            self._go(min(max(stop, low), high), acceleration)

    def do_VEL(self, axis: str, velocity: str) -> None:
        wanted = _number(velocity) * MM
        if not 0 < wanted <= LARGEST_VELOCITY:
            raise GcsError(VELOCITY)
        self.velocity = wanted

    def do_ACC(self, axis: str, acceleration: str) -> None:
        wanted = _number(acceleration) * MM
        if not 0 < wanted <= LARGEST_ACCELERATION:
            raise GcsError(OUT_OF_RANGE)
        self.acceleration = wanted

    do_DEC = do_ACC

    def do_SVO(self, axis: str, state: str) -> None:
        if state not in ("0", "1"):
            raise GcsError(PARAMETER)
        if state == "0":
            self._halt(ABRUPT)
        self.servo = state == "1"


def _number(text: str) -> float:
    if not _NUMBER.match(text) or not math.isfinite(float(text)):
        raise GcsError(PARAMETER)
    return float(text)


def _shown(metres: float) -> str:
    """In millimetres, to a picometre."""
    return f"{round(metres / MM, 9) + 0.0:.9f}"  # no negative zero

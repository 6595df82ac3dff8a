"""SCPI: program messages, IEEE 488.2 common commands, status registers and the error queue.

A core lists its commands as methods with a `header`, written as in a manual: ``[:SOURce]:CURRent[:LEVel]``, capital
letters the short form, square brackets what may be left out. Commands of the real instrument that the twin does not
carry out stand in the core's table `rejected`, each with the error of the instrument that answers it; nothing is
accepted and ignored that would change what a user measures.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from hw_bridge.cores.core import Answer, Core
from hw_bridge.session import Session
from twin.clock import Clock, Process

QUEUE = 10
"""Errors that are kept; when there are more, the last one says so."""
TEXTS = {
    0: "No error",
    -101: "Invalid character",
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -120: "Numeric data error",
    -141: "Invalid character data",
    -200: "Execution error",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -241: "Hardware missing",
    -314: "Save/recall memory lost",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
}
ESB, MAV, RQS, ERROR_AVAILABLE, MEASUREMENT, QUESTIONABLE, OPERATION = 32, 16, 64, 4, 1, 8, 128
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\Z", re.ASCII)
_HEADER = re.compile(r"\s*(:?\*[A-Za-z]+\??|:?[A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*\??)(?:\s+|\Z)", re.ASCII)


class ScpiError(Exception):
    """An error for the queue."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or TEXTS[code])
        self.code = code


@dataclass
class Register:
    """A status register: condition, events since they were last read, and which of them count."""

    condition: int = 0
    event: int = 0
    enable: int = 0

    def update(self, condition: int) -> None:
        """Set the condition; what has become true is an event."""
        self.event |= condition & ~self.condition
        self.condition = condition

    def read(self) -> int:
        """The events, which are then forgotten."""
        found, self.event = self.event, 0
        return found


Handler = Callable[..., Any]


def header(*patterns: str) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of commands and queries; see `ScpiCore`."""

    def mark(handler: Handler) -> Handler:
        handler.headers = patterns  # type: ignore[attr-defined]
        return handler

    return mark


class ScpiCore(Core):
    """An instrument that speaks SCPI.

    A handler takes the parameters as text and returns the reply's text or None; one that takes time is a generator.

    Attributes
    ----------
    identity : reply to ``*IDN?``.
    rejected : commands that the twin does not carry out: pattern to error number.
    """

    message_available: ClassVar[int] = MAV
    identity: str
    rejected: ClassVar[Mapping[str, int]] = {}

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self.errors: deque[tuple[int, str]] = deque()
        self.standard = Register(event=128)  # power on
        self.service_enable = 0
        self.measurement, self.questionable, self.operation = Register(), Register(), Register()
        self._commands: dict[tuple[str, ...], Handler] = {}
        for kind in reversed(type(self).__mro__):
            for value in vars(kind).values():
                for pattern in getattr(value, "headers", ()):
                    self._commands |= {path: value.__get__(self) for path in _paths(pattern)}
        for pattern, code in self.rejected.items():
            self._commands |= {path: _refusing(code) for path in _paths(pattern)}

    # --- program messages --------------------------------------------------------------------------------------------

    def execute(self, message: bytes, answer: Answer) -> Process:
        replies: list[str] = []
        node: tuple[str, ...] = ()
        try:
            text = message.decode("ascii")
        except UnicodeDecodeError:
            self.fault(-101)
            return
        for unit in _split(text, ";"):
            if not unit.strip():
                continue
            try:
                handler, parameters, node = self._parsed(unit, node)
                reply = handler(*parameters)
                if hasattr(reply, "send"):
                    reply = yield from reply
            except ScpiError as error:
                self.fault(error.code, str(error))
                if -200 < error.code <= -100:
                    break  # after a command error the rest of the message is not understood
                continue
            if reply is not None:
                replies.append(reply)
        if replies:
            yield from answer.send(";".join(replies).encode("ascii") + b"\n")

    def _parsed(self, unit: str, node: tuple[str, ...]) -> tuple[Handler, list[str], tuple[str, ...]]:
        """The handler of a message unit, its parameters, and the node that the next header starts from."""
        found = _HEADER.match(unit)
        if not found:
            raise ScpiError(-102 if unit.isprintable() else -101)
        name, rest = found.group(1).upper(), unit[found.end() :]
        parameters = [part.strip() for part in _split(rest, ",")] if rest.strip() else []
        if "*" in name:
            path: tuple[str, ...] = (name.lstrip(":"),)
        else:
            query, words = name.endswith("?"), name.rstrip("?").lstrip(":").split(":")
            path = (*(() if name.startswith(":") else node), *words, *("?" if query else ()))
            node = tuple(path[: len(path) - 1 - query])
        handler = self._commands.get(path)
        if handler is None:
            raise ScpiError(-113)
        code = handler.__code__
        most = math.inf if code.co_flags & 4 else code.co_argcount - 1
        least = code.co_argcount - 1 - len(handler.__defaults__ or ())
        if len(parameters) > most:
            raise ScpiError(-108)
        if len(parameters) < least:
            raise ScpiError(-109)
        return handler, parameters, node

    # --- errors and status -------------------------------------------------------------------------------------------

    def fault(self, code: int, text: str = "") -> None:
        """Put an error into the queue and set its bit of the standard event register."""
        if len(self.errors) < QUEUE:
            self.errors.append((code, text or TEXTS[code]))
        else:
            self.errors[-1] = (-350, TEXTS[-350])
        bits = {1: 32, 2: 16, 3: 8, 4: 4}
        self.standard.event |= bits.get(-code // 100, 8)

    def failed(self, reason: str) -> None:
        self.fault(-200)

    def too_long(self) -> None:
        self.fault(-363)

    def interrupted(self, session: Session) -> None:
        self.fault(-410)

    def deadlocked(self, session: Session) -> None:
        self.fault(-430)

    def refresh(self) -> None:
        """Bring the conditions up to date; by default there are none."""

    def status_byte(self, session: Session | None) -> int:
        self.refresh()
        byte = ERROR_AVAILABLE if self.errors else 0
        byte |= MAV if session is not None and session.has_output else 0
        registers = ((self.standard, ESB), (self.measurement, MEASUREMENT), (self.questionable, QUESTIONABLE))
        for register, bit in (*registers, (self.operation, OPERATION)):
            byte |= bit if register.event & register.enable else 0
        return byte | (RQS if byte & self.service_enable else 0)

    def trigger(self, session: Session) -> None:
        session.write(b"*TRG", True)

    # --- common commands ---------------------------------------------------------------------------------------------

    @header("*IDN?")
    def idn(self) -> str:
        return self.identity

    @header("*CLS")
    def cls(self) -> None:
        self.errors.clear()
        for register in (self.standard, self.measurement, self.questionable, self.operation):
            register.event = 0

    @header("*ESE")
    def ese(self, mask: str) -> None:
        self.standard.enable = integer(mask, 0, 255)

    @header("*ESE?")
    def ese_query(self) -> str:
        return str(self.standard.enable)

    @header("*ESR?")
    def esr(self) -> str:
        return str(self.standard.read())

    @header("*SRE")
    def sre(self, mask: str) -> None:
        self.service_enable = integer(mask, 0, 255) & ~RQS

    @header("*SRE?")
    def sre_query(self) -> str:
        return str(self.service_enable)

    @header("*STB?")
    def stb(self) -> str:
        return str(self.status_byte(None))

    @header("*OPC")
    def opc(self) -> None:
        self.standard.event |= 1

    @header("*OPC?")
    def opc_query(self) -> str:
        return "1"

    @header("*WAI")
    def wai(self) -> None:
        """Nothing is ever under way when a message is dealt with: they come one after the other."""

    @header("*TST?")
    def tst(self) -> str:
        return "0"

    @header("*RST")
    def rst(self) -> None:
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """To the settings after ``*RST``; status and errors stay."""

    @header(":SYSTem:ERRor[:NEXT]?", ":STATus:QUEue[:NEXT]?")
    def next_error(self) -> str:
        code, text = self.errors.popleft() if self.errors else (0, TEXTS[0])
        return f'{code:d},"{text}"'

    @header(":SYSTem:ERRor:ALL?")
    def all_errors(self) -> str:
        found = [f'{code:d},"{text}"' for code, text in self.errors] or [f'0,"{TEXTS[0]}"']
        self.errors.clear()
        return ",".join(found)

    @header(":SYSTem:ERRor:COUNt?")
    def error_count(self) -> str:
        return str(len(self.errors))

    @header(":SYSTem:CLEar", ":STATus:QUEue:CLEar")
    def clear_errors(self) -> None:
        self.errors.clear()

    @header(":SYSTem:VERSion?")
    def version(self) -> str:
        return "1997.0"

    @header(":STATus:PRESet")
    def preset_status(self) -> None:
        for register in (self.measurement, self.questionable, self.operation):
            register.enable = 0

    def register_query(self, register: Register, what: str) -> str:
        """Reply to a query of a register's event, condition or enable mask."""
        self.refresh()
        return str(register.read() if what == "event" else getattr(register, what))


# --- parsing ---------------------------------------------------------------------------------------------------------


def number(text: str, names: Mapping[str, float] | None = None) -> float:
    """A decimal number, or one of the names (upper case) that stand for one.

    Raises
    ------
    ScpiError
        If it is neither, or too large to be a number.
    """
    named = (names or {}).get(text.upper())
    if named is not None:
        return named
    if not _NUMBER.match(text):
        raise ScpiError(-120 if text[:1].isdigit() or text[:1] in "+-." else -104)
    value = float(text)
    if not math.isfinite(value):
        raise ScpiError(-222)
    return value


def integer(text: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`; a fraction is rounded."""
    value = round(number(text))
    if not low <= value <= high:
        raise ScpiError(-222)
    return value


def switch(text: str) -> bool:
    """ON, OFF, or a number that is not zero, or is."""
    named = {"ON": True, "OFF": False}.get(text.upper())
    return round(number(text)) != 0 if named is None else named


def choice(text: str, *patterns: str) -> str:
    """One of several words, each written as in a manual; returns its short form."""
    for pattern in patterns:
        if text.upper() in _forms(pattern):
            return _forms(pattern)[0]
    raise ScpiError(-141 if text.isalpha() else -104)


def _forms(word: str) -> tuple[str, str]:
    """Short and long form of a mnemonic such as ``CURRent``."""
    return re.sub("[a-z]", "", word), word.upper()


def _paths(pattern: str) -> set[tuple[str, ...]]:
    """Every way to write a header, as tuples of mnemonics, with a last ``?`` for a query."""
    if pattern.startswith("*"):
        return {(pattern,)}
    query = pattern.endswith("?")
    nodes = re.findall(r"(\[?):([A-Za-z0-9_]+)\]?", pattern.rstrip("?"))
    choices = [[*((f,) for f in _forms(word)), *([()] if optional else [])] for optional, word in nodes]
    joined = {tuple(word for part in parts for word in part) for parts in product(*choices)}
    return {(*path, *("?" if query else ())) for path in joined}


def _refusing(code: int) -> Handler:
    def refuse(self: Any, *parameters: str) -> None:
        raise ScpiError(code)

    return refuse.__get__(object())


def _split(text: str, separator: str) -> list[str]:
    """Split, but not inside quotes."""
    parts, quote, start = [], "", 0
    for k, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == separator:
            parts.append(text[start:k])
            start = k + 1
    return [*parts, text[start:]]

"""What a 3458A is set to: the commands that change it, and the queries that ask for it."""

from __future__ import annotations

from collections.abc import Mapping

from components.roles import RangedOhmmeter, RangedVoltmeter
from hw_bridge.cores.core import Core
from hw_bridge.cores.hp3458a_words import (
    CONFLICT,
    ENDS,
    ERROR_REGISTER,
    EVENTS,
    FUNCTIONS,
    HARDWARE,
    LARGEST_APERTURE,
    LEAST_APERTURE,
    MEMORIES,
    MESSAGES,
    ONCE,
    QUERIES,
    RANGE,
    REJECTED,
    SAMPLES,
    STATES,
    SYNTAX,
    SYSTEM,
    TICK,
    UNDEFINED,
    FaultError,
    Settings,
    integer,
    real,
    shown,
    word,
)
from hw_bridge.cores.reading_format import FORMATS, integer_scale
from hw_bridge.cores.reading_memory import ReadingMemory
from twin.clock import Clock

DIGITS = ((1e-8, 0.1667), (1e-7, 0.01), (1e-6, 100e-6), (1e-5, 10e-6))
"""Share of the range that is resolved, and the aperture from which on it is (s)."""


class Settings3458A(Core):
    """The settings, errors and memory of a 3458A; methods ``do_…`` are its commands.

    Attributes
    ----------
    meter : that it operates.
    set : what commands have set.
    memory : of readings.
    errors, status : its registers.
    """

    def __init__(self, name: str, clock: Clock, meter: RangedVoltmeter | RangedOhmmeter) -> None:
        super().__init__(name, clock)
        self.meter = meter
        self.memory = ReadingMemory()
        self.errors = 0
        self.status = 8  # power on
        self.do_reset()

    def fault(self, bit: int) -> None:
        """Set a bit of the error register."""
        self.errors |= bit

    def failed(self, reason: str) -> None:
        self.fault(SYSTEM)

    def too_long(self) -> None:
        self.fault(SYNTAX)

    # --- function, range, integration --------------------------------------------------------------------------------

    def do_dcv(self, most: str = "", resolution: str = "") -> None:
        self.do_func("DCV", most, resolution)

    def do_ohmf(self, most: str = "", resolution: str = "") -> None:
        self.do_func("OHMF", most, resolution)

    def do_func(self, function: str = "", most: str = "", resolution: str = "") -> None:
        name = function.upper()
        if name in REJECTED:
            raise FaultError(REJECTED[name])
        chosen = next((word for word, number in FUNCTIONS.items() if name in (word, str(number))), None)
        if chosen is None and name not in ("", "-1"):
            raise FaultError(HARDWARE if name.isdigit() and 2 <= int(name) <= 14 else UNDEFINED)
        try:
            self.meter.choose(chosen or "DCV")
        except ValueError:  # nothing is there that could be measured so
            raise FaultError(HARDWARE) from None
        self.do_range(most, resolution)

    def do_range(self, most: str = "", resolution: str = "") -> None:
        if most.upper() in ("", "-1", "AUTO"):
            self.set.auto_range = True
        else:
            try:
                full_scale = self.meter.fitting(real(most, 0.0, 1e9, 0.0))
            except ValueError:
                raise FaultError(RANGE) from None
            self.meter.select(full_scale)
            self.set.auto_range = False
        if resolution not in ("", "-1"):
            self.do_res(resolution)

    def do_res(self, percent: str = "") -> None:
        """Percent of the range to resolve: an aperture that has as many digits, unless it is longer already."""
        wanted = real(percent, 1e-9, 100.0, 0.0) / 100.0
        needed = next((aperture for step, aperture in DIGITS if wanted < 10 * step), LEAST_APERTURE)
        self.set.aperture = max(self.set.aperture, needed)

    def do_arange(self, state: str = "") -> None:
        found = word(state, ONCE, STATES["ON"])
        self.set.auto_range = found == STATES["ON"]
        if found == ONCE["ONCE"]:
            self.meter.select_for_input()

    def do_aper(self, seconds: str = "") -> None:
        wanted = max(real(seconds, 0.0, LARGEST_APERTURE, LEAST_APERTURE), LEAST_APERTURE)
        self.set.aperture = round(wanted / TICK) * TICK

    def do_nplc(self, cycles: str = "") -> None:
        wanted = real(cycles, 0.0, 1000.0, 0.0)
        if wanted > 10:
            wanted = round(wanted, -1)  # in steps of ten
        elif wanted > 1:
            wanted = round(wanted)
        self.set.aperture = max(round(wanted / self.set.line / TICK) * TICK, LEAST_APERTURE)

    def do_lfreq(self, hertz: str = "") -> None:
        given = 50.0 if hertz.upper() == "LINE" else real(hertz, 45.0, 440.0, 50.0)
        if 65.0 < given < 360.0:
            raise FaultError(RANGE)
        self.set.line = given / 8.0 if given >= 360.0 else given

    def do_azero(self, state: str = "") -> None:
        self.meter.zero(word(state, ONCE, STATES["ON"]) == STATES["ON"])

    # --- memory and formats ------------------------------------------------------------------------------------------

    def do_mem(self, mode: str = "") -> None:
        self.memory.turn(word(mode, MEMORIES, MEMORIES["FIFO"]))

    def do_mformat(self, kind: str = "") -> None:
        self.memory.reformat(word(kind, FORMATS, FORMATS["SREAL"]))

    def do_oformat(self, kind: str = "") -> None:
        self.set.output = word(kind, FORMATS, FORMATS["ASCII"])

    def do_end(self, state: str = "") -> None:
        self.set.end = word(state, ENDS, ENDS["ON"])

    # --- status, errors, identity ------------------------------------------------------------------------------------

    def do_err_query(self) -> str:
        found, self.errors = self.errors, 0
        return str(found)

    def do_errstr_query(self) -> str:
        if not self.errors:
            return '0,"NO ERROR"'
        bit = self.errors & -self.errors
        self.errors &= ~bit
        return f'{ERROR_REGISTER + bit.bit_length() - 1},"{MESSAGES[bit]}"'

    def do_emask(self, mask: str = "") -> None:
        self.set.emask = integer(mask, 0, 32767, 32767)

    def do_rqs(self, mask: str = "") -> None:
        self.set.service = integer(mask, 0, 255, 0)

    def do_srq(self) -> None:
        self.status |= 4

    def do_csb(self) -> None:
        self.status = 0

    def do_stb_query(self) -> str:
        byte = self.status | (32 if self.errors & self.set.emask else 0)
        return str(byte | (64 if byte & self.set.service else 0))

    def do_qformat(self, kind: str = "") -> None:
        self.set.query = word(kind, QUERIES, QUERIES["NORM"])

    def do_math(self, first: str = "", second: str = "") -> None:
        if any(text.upper() not in ("", "OFF", "0") for text in (first, second)):
            raise FaultError(CONFLICT)

    def do_fixedz(self, state: str = "") -> None:
        if word(state, STATES, STATES["ON"]):
            raise FaultError(CONFLICT)  # it would load the source with 10 Mohm, which the meter here does not

    def do_ocomp(self, state: str = "") -> None:
        self.set.offset_compensation = bool(word(state, STATES, STATES["ON"]))

    def do_ndig(self, digits: str = "") -> None:
        self.set.digits = integer(digits, 3, 8, 7)  # on the display

    def do_extout(self, event: str = "", polarity: str = "") -> None:
        """Nothing is wired to the connector."""
        names = {"OFF": 0, "ICOMP": 1, "ONCE": 2, "APER": 3, "BCOMP": 4, "SRQ": 5, "RCOMP": 6}
        self.set.external = word(event, names, 1), word(polarity, {"NEG": 0, "POS": 1}, 0)

    def do_disp(self, state: str = "", text: str = "", more: str = "") -> None:
        self.set.kept["DISP"] = word(state, {**STATES, "MSG": 2, "CLR": 3}, STATES["ON"])

    def do_reset(self) -> None:
        self.set = Settings()
        self.memory = ReadingMemory()
        self.errors, self.status = 0, self.status & 8
        self.meter.zero(True)
        self.meter.choose("DCV")

    def do_preset(self, kind: str = "") -> None:
        """NORM 1, FAST 0, DIG 2."""
        chosen = word(kind, {"FAST": 0, "NORM": 1, "DIG": 2}, 1)
        if chosen == 2:
            raise FaultError(CONFLICT)  # it triggers on a level
        before = self.set
        self.set = Settings(line=before.line, aperture=1.0 / before.line, service=before.service, end=before.end)
        self.set.trigger, self.set.query = EVENTS["SYN"], before.query
        self.memory = ReadingMemory()
        self.meter.zero(chosen == 1)
        self.meter.choose("DCV")
        if chosen == 0:
            self.do_dcv("10")
            self.set.arm, self.set.trigger, self.set.output = EVENTS["SYN"], EVENTS["AUTO"], FORMATS["DINT"]
            self.memory.reformat(FORMATS["DINT"])

    def asked(self) -> Mapping[str, str]:
        """Replies to queries that change nothing."""
        s, meter, memory, named = self.set, self.meter, self.memory, self.named
        return {
            "TARM?": named(EVENTS, s.arm),
            "TRIG?": named(EVENTS, s.trigger),
            "NRDGS?": f"{s.count}, {named(SAMPLES, s.sample)}",
            "TIMER?": shown(s.timer),
            "SWEEP?": f"{shown(s.timer)}, {s.count}",
            "DELAY?": shown(s.delay or 0.0),
            "FUNC?": f"{named(FUNCTIONS, FUNCTIONS[meter.function])}, {shown(meter.full_scale)}",
            "RANGE?": shown(meter.full_scale),
            "ARANGE?": named(STATES, int(s.auto_range)),
            "APER?": shown(s.aperture),
            "NPLC?": shown(s.aperture * s.line),
            "LFREQ?": shown(s.line),
            "LINE?": shown(50.0),
            "AZERO?": named(STATES, int(meter.zeroing)),
            "ISCALE?": shown(integer_scale(s.output, meter.full_scale)),
            "MCOUNT?": str(memory.count),
            "MSIZE?": f"{memory.size}, 14000",
            "MEM?": named(MEMORIES, memory.mode),
            "MFORMAT?": named(FORMATS, memory.format),
            "OFORMAT?": named(FORMATS, s.output),
            "END?": named(ENDS, s.end),
            "QFORMAT?": named(QUERIES, s.query),
            "MATH?": "0, 0",
            "EXTOUT?": "{}, {}".format(*s.external),
            "NDIG?": str(s.digits),
            "RES?": shown(100.0 * next((step for step, aperture in DIGITS if s.aperture >= aperture), 1e-4)),
            "OCOMP?": named(STATES, int(s.offset_compensation)),
            "EMASK?": str(s.emask),
            "RQS?": str(s.service),
            "AUXERR?": "0",
            "ID?": "HP3458A",
            "REV?": "9,2",
            "OPT?": "0",
            "CALNUM?": "0",
            "TEMP?": shown(36.0),  # of a warm instrument; the twin knows nothing of its inside
            **{f"{name}?": str(value) for name, value in s.kept.items()},
        }

    def named(self, names: Mapping[str, int], value: int) -> str:
        """A setting as queries reply with it: its number, or its name in format ALPHA."""
        if self.set.query == QUERIES["ALPHA"]:
            return next(name for name, known in names.items() if known == value)
        return str(value)

"""A Keithley 6221 (coarse) current source: SCPI to the operations of a `RangedCurrentSource`.

Numbers are those of its reference manual (622x-901-01), and no others: of command and execution errors it has −171 to
−100 and −260 to −220, of its own −363, −350, −314 and +900 (there in section 11 and appendix B). The core holds no
limit of its own, the source refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from components.roles import RangedCurrentSource
from hw_bridge.cores.keithley6221_words import REJECTED
from hw_bridge.cores.scpi import ScpiCore, ScpiError, choice, header, number, switch
from twin.clock import Clock

RESET_COMPLIANCE, LARGEST_RANGE, LARGEST_COMPLIANCE = 10.0, 0.1, 105.0
IN_COMPLIANCE = 8
"""Bit of the measurement condition register."""


class Keithley6221(ScpiCore):
    """The DC source of a 6221.

    Waveforms, sweeps and all that takes a 2182A beside it are refused with an error of the instrument. Settings that
    make no difference to a simulated source (display, filter, guard, response) are kept and read back.
    """

    model: ClassVar[str] = "Keithley 6221"
    identity = "KEITHLEY INSTRUMENTS INC.,MODEL 6221,0000001,D03  /700x"
    rejected: ClassVar[Mapping[str, int]] = REJECTED

    def __init__(self, name: str, clock: Clock, source: RangedCurrentSource) -> None:
        super().__init__(name, clock)
        self.source = source
        self.told: list[Callable[[], None]] = []
        """Called when its output goes off: what hangs on its current."""
        self._kept: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        self._off()
        self._set(0.0)
        self.source.select(LARGEST_RANGE)
        self.source.set_compliance(min(RESET_COMPLIANCE, self.source.compliance))
        self.auto_range = False
        self._kept = {"delay": "1.000000E-03", "filter": "0", "earth": "0", "shield": "OLOW", "response": "FAST"}
        self._kept |= {"display": "1", "beeper": "1", "arm": "IMM", "trigger": "IMM"}

    def failed(self, reason: str) -> None:
        self.fault(900, "Internal system error")

    def refresh(self) -> None:
        self.measurement.update(IN_COMPLIANCE if self.source.in_compliance else 0)

    def _off(self) -> None:
        """Switch the output off, and tell."""
        self.source.disconnect()
        for tell in self.told:
            tell()

    def _set(self, current: float) -> None:
        """Set a current that the source may refuse."""
        operation = self.source.set(current, 0.0)
        next(operation, None)  # what it refuses, it refuses at once; a step takes no time

    # --- current -----------------------------------------------------------------------------------------------------

    @header("[:SOURce]:CURRent[:LEVel][:IMMediate][:AMPLitude]")
    def current(self, value: str) -> None:
        current = number(value, {"DEF": 0.0, "DEFAULT": 0.0, "MIN": -0.105, "MAX": 0.105})
        before = self.source.range[0]
        try:
            if self.auto_range:
                fitting = self.source.fitting(current)[0]
                if fitting > before:
                    self.source.select(fitting)
            self._set(current)
            if self.auto_range:
                self.source.select(self.source.fitting(current)[0])
                self._set(current)  # in the finer steps of a lower range
        except ValueError:
            if self.source.range[0] != before:
                self.source.select(before)
            raise ScpiError(-222) from None

    @header("[:SOURce]:CURRent[:LEVel][:IMMediate][:AMPLitude]?")
    def current_query(self, bound: str = "") -> str:
        return _bounded(bound, self.source.level, -0.105, 0.105, 0.0)

    @header("[:SOURce]:CURRent:RANGe")
    def range(self, value: str) -> None:
        names = {"DEF": LARGEST_RANGE, "DEFAULT": LARGEST_RANGE, "MIN": 2e-9, "MAX": LARGEST_RANGE}
        wanted = abs(number(value, names))
        try:
            fitting = self.source.fitting(wanted)[0]
        except ValueError:
            raise ScpiError(-222) from None
        try:
            self.source.select(fitting)
        except ValueError:  # the level does not fit into it
            raise ScpiError(-221) from None
        self.auto_range = False

    @header("[:SOURce]:CURRent:RANGe?")
    def range_query(self, bound: str = "") -> str:
        return _bounded(bound, self.source.range[0], 2e-9, LARGEST_RANGE, LARGEST_RANGE)

    @header("[:SOURce]:CURRent:RANGe:AUTO")
    def auto(self, state: str) -> None:
        self.auto_range = switch(state)
        if self.auto_range:
            self.source.select(self.source.fitting(self.source.level)[0])

    @header("[:SOURce]:CURRent:RANGe:AUTO?")
    def auto_query(self) -> str:
        return str(int(self.auto_range))

    @header("[:SOURce]:CURRent:COMPliance")
    def compliance(self, value: str) -> None:
        names = {"DEF": RESET_COMPLIANCE, "DEFAULT": RESET_COMPLIANCE, "MIN": 0.1, "MAX": LARGEST_COMPLIANCE}
        try:
            self.source.set_compliance(number(value, names))
        except ValueError:
            raise ScpiError(-222) from None

    @header("[:SOURce]:CURRent:COMPliance?")
    def compliance_query(self, bound: str = "") -> str:
        return _bounded(bound, self.source.compliance, 0.1, LARGEST_COMPLIANCE, RESET_COMPLIANCE)

    # --- output ------------------------------------------------------------------------------------------------------

    @header(":OUTPut[:STATe]")
    def output(self, state: str) -> None:
        if switch(state):
            self.source.connect()
        else:
            self._off()

    @header(":OUTPut[:STATe]?")
    def output_query(self) -> str:
        return str(int(self.source.is_connected))

    @header("[:SOURce]:CLEar[:IMMediate]")
    def off(self) -> None:
        self._off()
        self._set(0.0)

    @header(":OUTPut:INTerlock:TRIPped?")
    def interlock(self) -> str:
        return "1"  # the key is in the interlock: the output may be switched on

    @header(":ABORt", "[:SOURce]:SWEep:ABORt", ":SYSTem:KLOCk", ":SYSTem:REMote", ":SYSTem:LOCal")
    def nothing(self, state: str = "0") -> None:
        """No sweep is under way, and no front panel is there to lock."""

    # --- what is kept and makes no difference ------------------------------------------------------------------------

    @header("[:SOURce]:DELay")
    def delay(self, value: str) -> None:
        seconds = number(value, {"DEF": 1e-3, "MIN": 1e-3, "MAX": 999999.999})
        if not 1e-3 <= seconds <= 999999.999:
            raise ScpiError(-222)
        self._kept["delay"] = _shown(seconds)

    @header("[:SOURce]:DELay?")
    def delay_query(self) -> str:
        return self._kept["delay"]

    @header("[:SOURce]:CURRent:FILTer[:STATe]")
    def filter(self, state: str) -> None:
        self._kept["filter"] = str(int(switch(state)))

    @header("[:SOURce]:CURRent:FILTer[:STATe]?")
    def filter_query(self) -> str:
        return self._kept["filter"]

    @header(":OUTPut:LTEarth")
    def earth(self, state: str) -> None:
        self._kept["earth"] = str(int(switch(state)))

    @header(":OUTPut:LTEarth?")
    def earth_query(self) -> str:
        return self._kept["earth"]

    @header(":OUTPut:ISHield")
    def shield(self, name: str) -> None:
        self._kept["shield"] = choice(name, "OLOW", "GUARd")

    @header(":OUTPut:ISHield?")
    def shield_query(self) -> str:
        return self._kept["shield"]

    @header(":OUTPut:RESPonse")
    def response(self, name: str) -> None:
        self._kept["response"] = choice(name, "FAST", "SLOW")

    @header(":OUTPut:RESPonse?")
    def response_query(self) -> str:
        return self._kept["response"]

    @header(":DISPlay:ENABle")
    def display(self, state: str) -> None:
        self._kept["display"] = str(int(switch(state)))

    @header(":DISPlay:ENABle?")
    def display_query(self) -> str:
        return self._kept["display"]

    @header(":ARM:SOURce")
    def arm(self, name: str) -> None:
        self._kept["arm"] = choice(name, "IMMediate", "TIMer", "BUS", "TLINk", "BSTest", "PSTest", "NSTest", "MANual")

    @header(":ARM:SOURce?")
    def arm_query(self) -> str:
        return self._kept["arm"]

    @header(":TRIGger:SOURce")
    def trigger_source(self, name: str) -> None:
        self._kept["trigger"] = choice(name, "IMMediate", "TLINk")

    @header(":TRIGger:SOURce?")
    def trigger_source_query(self) -> str:
        return self._kept["trigger"]

    @header(":SYSTem:BEEPer[:IMMediate]")
    def beep(self, frequency: str, duration: str) -> None:
        number(frequency), number(duration)

    @header(":SYSTem:BEEPer:STATe")
    def beeper(self, state: str) -> None:
        self._kept["beeper"] = str(int(switch(state)))

    @header(":SYSTem:BEEPer:STATe?")
    def beeper_query(self) -> str:
        return self._kept["beeper"]

    @header(":SYSTem:PRESet")
    def preset(self) -> None:
        self.reset()

    # --- status ------------------------------------------------------------------------------------------------------

    @header(":STATus:MEASurement[:EVENt]?")
    def measurement_event(self) -> str:
        return self.register_query(self.measurement, "event")

    @header(":STATus:MEASurement:CONDition?")
    def measurement_condition(self) -> str:
        return self.register_query(self.measurement, "condition")

    @header(":STATus:MEASurement:ENABle")
    def measurement_enable(self, mask: str) -> None:
        self.measurement.enable = round(_mask(mask))

    @header(":STATus:MEASurement:ENABle?")
    def measurement_enabled(self) -> str:
        return self.register_query(self.measurement, "enable")

    @header(":STATus:OPERation[:EVENt]?")
    def operation_event(self) -> str:
        return self.register_query(self.operation, "event")

    @header(":STATus:OPERation:CONDition?")
    def operation_condition(self) -> str:
        return self.register_query(self.operation, "condition")

    @header(":STATus:OPERation:ENABle")
    def operation_enable(self, mask: str) -> None:
        self.operation.enable = round(_mask(mask))

    @header(":STATus:OPERation:ENABle?")
    def operation_enabled(self) -> str:
        return self.register_query(self.operation, "enable")

    @header(":STATus:QUEStionable[:EVENt]?")
    def questionable_event(self) -> str:
        return self.register_query(self.questionable, "event")

    @header(":STATus:QUEStionable:CONDition?")
    def questionable_condition(self) -> str:
        return self.register_query(self.questionable, "condition")

    @header(":STATus:QUEStionable:ENABle")
    def questionable_enable(self, mask: str) -> None:
        self.questionable.enable = round(_mask(mask))

    @header(":STATus:QUEStionable:ENABle?")
    def questionable_enabled(self) -> str:
        return self.register_query(self.questionable, "enable")


def _mask(text: str) -> float:
    value = number(text)
    if not 0 <= value <= 65535:
        raise ScpiError(-222)
    return value


def _shown(value: float) -> str:
    """As the instrument sends numbers; seven digits are more than any range has steps."""
    return f"{value:.6E}"


def _bounded(bound: str, value: float, low: float, high: float, default: float) -> str:
    """Reply to a query, or to one for its bounds."""
    if not bound:
        return _shown(value)
    return _shown(number(bound, {"MIN": low, "MAX": high, "DEF": default, "MINIMUM": low, "MAXIMUM": high}))

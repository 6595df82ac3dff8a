"""What a scenario says of a real instrument in the place of a simulated one."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from twin.parameter import Parameters, parameter

HARDWARE = "hardware"
"""Key of a component that is real."""
SERIAL = "ASRL"
"""What VISA calls a serial line."""


class Limits(Parameters):
    """What is never exceeded: a value beyond is refused, never clipped."""

    current: float | None = parameter("A", None, gt=0, description="largest absolute current")
    voltage: float | None = parameter("V", None, gt=0, description="largest absolute voltage; compliance of a source")
    lower: float | None = parameter("m", None, description="lowest position")
    upper: float | None = parameter("m", None, description="highest position")
    velocity: float | None = parameter("m/s", None, gt=0, description="largest absolute velocity")
    slew: float | None = parameter("A/s", None, gt=0, description="fastest change of a current")
    force: float | None = parameter(
        "N", None, gt=0, description="largest absolute force of a source's current in the twin's Bl"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Limits:
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise ValueError("expected lower below upper")
        return self


class Calibration(Parameters):
    """Of a real instrument: true = (shown − offset)/(1 + gain); a source is asked for the inverse."""

    gain: float = parameter("1", 0.0, gt=-0.5, lt=0.5, description="relative error of what it shows")
    offset: float = Field(0.0, description="in the unit of what it shows or delivers")
    u: float = Field(0.0, ge=0, description="standard uncertainty of a reading, in its unit")


class Interlock(Parameters):
    """What has to hold before this instrument may act."""

    port: str = Field(pattern=r"^[A-Za-z]\w*\.[A-Za-z]\w*$", description="such as current_source.current")
    below: float = Field(gt=0, description="largest absolute value, SI")


class SerialLine(Parameters):
    """How bytes go over a serial line: what VISA has in its ASRL attributes, with the values that it begins with."""

    baud_rate: int = Field(9600, gt=0, strict=True)
    data_bits: Literal[5, 6, 7, 8] = 8
    parity: Literal["none", "odd", "even", "mark", "space"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow_control: Literal["none", "xon_xoff", "rts_cts", "dtr_dsr"] = "none"

    def __str__(self) -> str:
        """As in ``9600 baud, 8N1``."""
        flow = "" if self.flow_control == "none" else f", {self.flow_control}"
        return f"{self.baud_rate} baud, {self.data_bits}{self.parity[0].upper()}{self.stop_bits}{flow}"


def _written(word: Any) -> Any:
    return repr(word) if isinstance(word, int | float) and not isinstance(word, bool) else word


Word = Annotated[str, BeforeValidator(_written), WithJsonSchema({"type": ["string", "number"]})]
"""What is sent, or answered; a number need not stand in quotes."""


class Hardware(Parameters):
    """A real instrument that takes a component's place.

    Parameters
    ----------
    driver : registered in the group ``kibble_twin.drivers``; ``artefact`` for a part without a connection.
    resource : VISA resource name, or what the driver says.
    """

    driver: str = Field(min_length=1)
    resource: str = ""
    serial: SerialLine | None = Field(None, description="of a resource ASRL…; by default 9600 baud, 8N1")
    limits: Limits = Limits()
    calibration: Calibration = Calibration()
    interlocks: list[Interlock] = Field([], description="all of them have to hold before it acts")
    commands: dict[str, Word] = Field({}, description="of the generic drivers")
    settings: dict[str, str | float] = Field({}, description="of other drivers, such as {field_scale: 205 uT/V}; SI")
    stages: dict[str, Hardware] = Field({}, description="of a source of two stages: coarse and fine")
    timeout: float = parameter("s", 5.0, gt=0, le=600, description="how long to wait for an answer")
    interval: float = parameter(
        "s", 0.1, ge=1e-3, description="from command to command of a ramp, or reading to reading"
    )
    latency: float | None = parameter(
        "s", None, gt=0, description="by which simulated parts follow its readings later; by default two intervals"
    )
    trigger_latency: float | None = parameter(
        "s",
        None,
        ge=0,
        lt=1,
        description="from being told until it reads: of its data sheet or of commission; none: unknown",
    )
    timing: float = parameter("s", 0.05, ge=0, description="when it acts or reads is known within this, for the shadow")

    @property
    def lag(self) -> float:
        """By which simulated parts follow its readings later (s)."""
        return 2.0 * self.interval if self.latency is None else self.latency

    @model_validator(mode="after")
    def _known_in_time(self) -> Hardware:
        if self.latency is not None and self.latency < self.interval:
            raise ValueError("expected a latency of at least the interval: parts go from one reading to the next")
        return self

    @model_validator(mode="after")
    def _at_a_serial_line(self) -> Hardware:
        there = self.resource, self.commands.get("scanner", "")
        if self.serial is not None and not any(name.upper().startswith(SERIAL) for name in there):
            raise ValueError(f"serial is of a resource such as ASRL/dev/ttyUSB0::INSTR, not of {self.resource!r}")
        return self

    def span(self) -> tuple[float, float]:
        """Lowest and highest position (m)."""
        low, high = self.limits.lower, self.limits.upper
        return -math.inf if low is None else low, math.inf if high is None else high

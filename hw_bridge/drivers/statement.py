"""What an instrument states of itself before it is used: capabilities, limits, uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Statement:
    """See the module; SI.

    Parameters
    ----------
    role : in `components.roles`.
    unit : of what it reads or delivers.
    lowest, highest : that it reads or delivers; infinite where nobody says.
    step : in which it does; 0: not known.
    u : standard uncertainty of a reading or setting by its calibration; None: nobody states it.
    channels : that it has, by name.
    met_hardware : whether the driver has ever met the real instrument.
    trigger_latency : from being told until it reads (s); None: nobody states it.
    timing : within which it is known when it acts or reads (s).
    """

    role: str
    unit: str
    lowest: float = -math.inf
    highest: float = math.inf
    step: float = 0.0
    u: float | None = None
    channels: tuple[str, ...] = ()
    met_hardware: bool = False
    trigger_latency: float | None = None
    timing: float = 0.0

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        known = math.isfinite(self.lowest) or math.isfinite(self.highest)
        reach = f"{self.lowest:.6g} to {self.highest:.6g}{unit}" if known else "range unknown"
        step = f" in steps of {self.step:.3g}{unit}" if self.step else ""
        u = f"u = {self.u:.3g}{unit}" if self.u is not None else "uncertainty not stated"
        latency = (
            "trigger latency unknown"
            if self.trigger_latency is None
            else f"trigger latency {1e3 * self.trigger_latency:.3g} ms"
        )
        return f"{self.role}: {reach}{step}, {u}; {latency}, timing within {1e3 * self.timing:.3g} ms"

    def plain(self) -> dict[str, Any]:
        """As plain values; None for what is infinite or not known."""
        told: dict[str, Any] = {"role": self.role, "unit": self.unit, "channels": list(self.channels), "u": self.u}
        told |= {"trigger_latency_s": self.trigger_latency, "timing_s": self.timing}
        reach = {key: value if math.isfinite(value) else None for key, value in self._reach().items()}
        return {**told, **reach, "met_hardware": self.met_hardware}

    def _reach(self) -> dict[str, float]:
        return {"lowest": self.lowest, "highest": self.highest, "step": self.step or math.inf}

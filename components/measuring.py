"""What every measuring instrument does to the truth: gain, offset, drift, noise and resolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from components.fed import Fed, told
from twin.fault import READING_FAULTS, FaultKind
from twin.noise import NoiseFigures, quantise
from twin.parameter import parameter
from twin.times import NS

Array = NDArray[np.float64]
Disturb = Callable[[Array, NDArray[np.int64]], Array]
_READING = "{reading}"


class MeasuringInstrument(Fed):
    """Shows ``(1 + gain + gain_drift t) · true + offset + offset_drift t + noise``, rounded to its resolution.

    A subclass says in which unit it reads (`reading`); the units of these parameters follow.
    """

    reading: ClassVar[str] = "1"
    faults: ClassVar[Mapping[str, FaultKind]] = READING_FAULTS

    gain: float = parameter("1", 0.0, neutral=0.0, gt=-1, lt=1, description="relative error of the reading")
    offset: float = parameter(_READING, 0.0, neutral=0.0)
    gain_drift: float = parameter("1/s", 0.0, neutral=0.0)
    offset_drift: float = parameter(f"{_READING}/s", 0.0, neutral=0.0)
    white_noise: float = parameter(f"{_READING}/Hz^0.5", 0.0, neutral=0.0, ge=0)
    flicker_noise: float = parameter(
        f"{_READING}/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f spectrum"
    )
    random_walk: float = parameter(
        f"{_READING}/Hz^0.5", 0.0, neutral=0.0, ge=0, description="at 1 Hz, of a 1/f^2 spectrum"
    )
    resolution: float = parameter(_READING, 0.0, neutral=0.0, ge=0, description="step of the last digit; 0: none")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for field in cls.model_fields.values():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and _READING in str(extra.get("unit", "")):
                field.json_schema_extra = {**extra, "unit": str(extra["unit"]).replace(_READING, cls.reading)}
        cls.model_rebuild(force=True)

    @property
    def figures(self) -> NoiseFigures:
        """Noise of a reading."""
        return NoiseFigures(self.white_noise, self.flicker_noise, self.random_walk)

    def error(self, quantity: str, shown: Array, instants: NDArray[np.int64], aperture: int) -> Array:
        return self.shown(told(quantity), aperture)(shown, instants) - shown

    def shown(
        self,
        channel: str,
        effective_aperture: int,
        *,
        figures: NoiseFigures | None = None,
        offset: float | None = None,
        resolution: float | None = None,
    ) -> Disturb:
        """From true values (bursts, readings) at their instants (ns) to what is shown.

        Parameters
        ----------
        channel : of the instrument; keys its noise.
        effective_aperture : over which the noise averages (ns).
        figures, offset, resolution : in place of the instrument's own; an offset in place takes its drift along.
        """
        noise = self.figures if figures is None else figures
        step = self.resolution if resolution is None else resolution
        level, creep = (self.offset, self.offset_drift) if offset is None else (offset, 0.0)

        def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
            factor: Array | float = 1.0 + self.gain
            constant: Array | float = level
            if self.gain_drift or creep:
                t = instants / NS
                factor, constant = factor + self.gain_drift * t, constant + creep * t
            result: Array = values * factor
            if np.ndim(constant) or constant != 0.0:
                result += constant
            if not noise.quiet:
                result += self.noise(channel, noise).sample(instants.ravel(), effective_aperture).reshape(values.shape)
            return quantise(result, step) if step else result

        return disturb

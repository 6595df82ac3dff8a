"""The air as the station read it: for each weighing, each velocity group and any instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from components.air import air_density
from components.refractive_index import refractive_index
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.recording import Readings

Array = NDArray[np.float64]
QUANTITIES = ("temperature", "pressure", "humidity")


@dataclass(frozen=True, eq=False)
class Conditions:
    """Readings of the air by quantity; none where nothing was read. In vacuum the pressure is zero without reading."""

    readings: dict[str, Readings]
    vacuum: bool = False

    @property
    def missing(self) -> list[str]:
        """The quantities that the density of the air needs and nobody read."""
        return [quantity for quantity in QUANTITIES if quantity not in self.readings]

    def at(self, quantity: str, times: Array) -> Array | None:
        """A quantity at some times (s), interpolated between the blocks."""
        found = self.readings.get(quantity)
        if found is None and quantity == "pressure" and self.vacuum:
            return np.zeros(len(times))
        return None if found is None else np.interp(times, found.time, found.mean)

    def beside(self, times: Array) -> Array:
        """Temperature, pressure and humidity at some times (s), shape (3, times), interpolated between the blocks."""
        return np.array([np.interp(times, self.readings[q].time, self.readings[q].mean) for q in QUANTITIES])

    def during(self, phase: str, cycles: Sequence[int]) -> Array:
        """Temperature, pressure and humidity in a phase of each cycle, shape (3, cycles).

        What was not read in a phase is interpolated in time between the blocks before and after it.
        """
        times = np.array([self._time(phase, cycle) for cycle in cycles])
        means = []
        for quantity in QUANTITIES:
            found = self.readings[quantity]
            for cycle, between in zip(cycles, np.interp(times, found.time, found.mean), strict=True):
                own = found.of(phase, cycle)
                means.append(float(found.mean[own].mean() if np.any(own) else between))
        return np.reshape(means, (3, len(cycles)))

    def _time(self, phase: str, cycle: int) -> float:
        """When a phase of a cycle was (s): as another quantity was read, or from the times of the other cycles."""
        there = [found for found in self.readings.values() if phase in found.phase]
        for found in there:
            own = found.of(phase, cycle)
            if np.any(own):
                return float(found.time[own].mean())
        known = there or list(self.readings.values())
        own = np.array([p == phase or not there for found in known for p in found.phase])
        cycles = np.concatenate([found.cycle for found in known])[own]
        times = np.concatenate([found.time for found in known])[own]
        if len(set(cycles.tolist())) < 2:
            return float(times.mean())
        return float(np.polynomial.Polynomial.fit(cycles, times, 1)(cycle))


class Air:
    """Density at each weighing and refractive index in each velocity group, for what the sensors may show too much.

    Parameters
    ----------
    weighing, velocity : temperature (K), pressure (Pa), humidity (1), shape (3, weighings) and (3, groups); None in
        vacuum or without readings.
    wavelength : of the interferometer in vacuum (m), None if it needs no index.
    """

    def __init__(self, weighing: Array | None, velocity: Array | None, wavelength: float | None) -> None:
        self._weighing, self._velocity, self._wavelength = weighing, velocity, wavelength

    def density(self, v: SimpleNamespace) -> Array | float:
        """Of the air at each weighing (kg/m³), 0 without air."""
        if self._weighing is None:
            return 0.0
        return _of_air(air_density, self._weighing, v)

    def refractivity(self, v: SimpleNamespace) -> Array | float:
        """Refractive index less 1 in each velocity group, 0 without air or need."""
        if self._velocity is None or self._wavelength is None:
            return 0.0
        index = partial(refractive_index, wavelength_m=self._wavelength)
        return _of_air(index, self._velocity, v) - 1.0 + v.refractive_index

    def refractivity_at_rest(self) -> Array | float:
        """Refractive index less 1 at each weighing, by the readings as they are, 0 without air or need."""
        if self._weighing is None or self._wavelength is None:
            return 0.0
        temperature, pressure, humidity = self._weighing
        return refractive_index(temperature, pressure, humidity, self._wavelength) - 1.0


def _of_air(equation: Callable[..., Array], shown: Array, v: SimpleNamespace) -> Array:
    """A property of the air from the readings (temperature, pressure, humidity) less what the sensors show too much.

    Raises
    ------
    ReductionError
        If they cannot be of air.
    """
    temperature, pressure, humidity = shown
    try:
        return equation(
            temperature - v.air_temperature, pressure - v.air_pressure, humidity - v.air_humidity, co2_fraction=v.co2
        )
    except ValueError as error:
        raise ReductionError(
            f"channel 'environment': {error}; supply what was read, or set reduction.corrections.buoyancy=false and "
            "reduction.corrections.refractive_index=false"
        ) from None

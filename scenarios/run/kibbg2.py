"""A run as a folder of NIST's KIBB-g2 balance, for its analysis viewer.

The folder holds what an operator of that balance has: `config.ini` with the certificates, text files of columns for
each weighing and each part of a velocity phase, and the air. A program that this project did not write then finds the
mass.

What that program does not know is corrected beforehand, from what the run recorded: the gain and the zero of the
voltmeters (so that `DvmCalValV` is the reference's own voltage), the interferometer's periodic error, the refractive
index of the air, and the magnet's temperature: voltages are those of a magnet at the thermometer's reference. What is
not corrected stays in its result: the weighing current's effect on Bl, leakage, alignment, the tide, and 2×10⁻⁸ of
buoyancy for steel, of which it takes the first order.

In that format a run begins and ends with velocity groups, and the weighings between two of them alternate off, on, …,
off. Weighings that do not fit are left out, and named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.refractive_index import refractive_index
from scenarios.reduction.calibration import Calibration, Meter
from scenarios.reduction.conditions import QUANTITIES, Conditions
from scenarios.reduction.corrections import believed
from scenarios.reduction.group import without_periodic_error
from scenarios.reduction.recording import Readings, read
from scenarios.run.certificates import certificates
from scenarios.run.export import ExportError
from scenarios.run.result import Result
from twin.recorder import Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]
SOFTWARE = "1.2"
"""Version of the format."""
START = datetime(2000, 1, 1)
"""When a run is taken to have begun, if nobody says so: virtual time has no date."""
PARTS = 60
"""Files of a velocity group at most: each bears the second in which it begins."""
AIR_EVERY = 10.0
"""From row to row of the air (s)."""
LEAST_PRESSURE = 1e-6
"""In hPa: rows with a zero are dropped by the reader, and so vacuum is written."""


@dataclass(frozen=True)
class _Item:
    """A velocity group or a weighing, in order of time."""

    start: int
    cycle: int
    weighing: Block | None = None
    """None for a velocity group."""

    @property
    def on(self) -> bool:
        return self.weighing is not None and self.weighing.labels["state"] == "on"


def write_kibbg2(result: Result, folder: Path, *, start: datetime = START) -> list[str]:
    """Write the folder, which must not exist.

    Parameters
    ----------
    result : of a mass campaign with one winding.
    start : date and time at which the run began.

    Returns
    -------
    What was left out, a line each.

    Raises
    ------
    ExportError
        If the format has no place for the run.
    """
    if any(block.labels.get("winding", 1) != 1 for block in result.readings):
        raise ExportError("the KIBB-g2 format knows one winding; this run has two")
    items, left_out = _in_order(result.readings)
    run = _Run(result, start)
    (folder / "Velocity mode").mkdir(parents=True)
    (folder / "Force mode").mkdir()
    (folder / "config.ini").write_text(run.config(), encoding="utf-8")
    run.write_air(folder / "PRTData.dat")
    for item in items:
        if item.weighing is None:
            run.write_velocity(folder / "Velocity mode", item.cycle)
        else:
            run.write_force(folder / "Force mode", item.weighing)
    return left_out


def _in_order(readings: Blocks) -> tuple[list[_Item], list[str]]:
    """Velocity groups and weighings that the format has a place for, and what it has none for."""
    groups: dict[int, int] = {}
    for block in _moves(readings):
        groups.setdefault(int(block.labels["cycle"]), block.schedule.start)
    found = [_Item(start, cycle) for cycle, start in groups.items()]
    weighings = readings.select("current_voltmeter", phase="weighing")
    found += [_Item(b.schedule.start, int(b.labels["cycle"]), b) for b in weighings]
    found.sort(key=lambda item: item.start)
    borders = [k for k, item in enumerate(found) if item.weighing is None]
    if len(borders) < 2:
        raise ExportError("the KIBB-g2 format needs a velocity group before and after the weighings; this run has one")
    kept: list[_Item] = []
    left_out = [_named(item) for item in found[: borders[0]] + found[borders[-1] + 1 :]]
    for a, b in pairwise(borders):
        between = found[a + 1 : b]
        offs = [k for k, item in enumerate(between) if not item.on]
        fitting = between[offs[0] : offs[-1] + 1] if len(offs) > 1 else []
        if any(one.on == other.on for one, other in pairwise(fitting)):
            raise ExportError(f"cycle {between[0].cycle + 1}: weighings that do not alternate between on and off")
        kept += [found[a], *fitting]
        left_out += [_named(item) for item in between if item not in fitting]
    if not any(item.on for item in kept):
        raise ExportError(
            "the KIBB-g2 format compares a weighing with the mass on with those with the mass off before and after it, "
            "between two velocity groups; this run has none such"
        )
    return [*kept, found[borders[-1]]], left_out


def _named(item: _Item) -> str:
    assert item.weighing is not None
    state, number = item.weighing.labels["state"], item.weighing.labels["weighing"]
    return f"cycle {item.cycle + 1}, weighing {int(number) + 1} (mass {state})"


def _moves(readings: Blocks) -> Blocks:
    """The voltages of the velocity phases."""
    return readings.select("induced_voltmeter", phase="velocity")


class _Run:
    """What the files are written from."""

    def __init__(self, result: Result, start: datetime) -> None:
        self.scenario, self.readings, self.start = result.scenario, result.readings, start
        self.recording, self.certificates = read(self.readings), certificates(self.scenario)
        self.values = believed(self.certificates)
        self.air = Conditions(self.recording.environment, self.certificates.vacuum)
        self.periodic = np.mean([fit.periodic for fit in result.mass.velocity], axis=0)

    # --- certificates ------------------------------------------------------------------------------------------------

    def config(self) -> str:
        """The text of `config.ini`."""
        v, known, known_from = self.values, self.certificates.estimates(), self.start.strftime("%b %d %Y")
        gravity = v.gravity + v.gravity_transfer + v.gravity_gradient * v.gravity_height
        doubt = math.hypot(known["gravity"].u, known["gravity_transfer"].u) / gravity
        schedule = next(iter(_moves(self.readings))).schedule
        mass: Any = self.scenario.sized["test_mass"]
        sections: dict[str, dict[str, str | float]] = {
            "Measurement": {
                "MeasDesc": self.scenario.description or self.scenario.name,
                "SerialNo": "",
                "StartTime": self.start.strftime("%m/%d/%Y %H:%M:%S"),
                "Location": "kibble-twin",
                "SoftwareVersion": SOFTWARE,
                "NominalMassGrams": 1e3 * mass.mass,
            },
            "Calibration": {
                "ResOhm": v.resistance,
                "ResUncPpm": 1e6 * known["resistance"].u / v.resistance,
                "ResCalDate": known_from,
                "DvmCalValV": v.reference_voltage,
                "DvmCalDate": known_from,
                "ZenerRefValV": v.reference_voltage,
                "ZenerUncNv": 1e9 * known["reference_voltage"].u,
                "LocGravity": gravity,
                "LocGravityUncPpm": 1e6 * doubt,
                "MassDensity": v.mass_density,
            },
            "VelocityMode": {
                "SinePeriodSec": (2 * schedule.every if schedule.repeats > 1 else schedule.step * schedule.count) / NS,
                "AperSec": schedule.step / NS,
                "VerticalityDate": known_from,
            },
        }
        lines = []
        for section, entries in sections.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {_text(value)}" for key, value in entries.items()]
        return "\n".join(lines) + "\n"

    # --- readings ----------------------------------------------------------------------------------------------------

    def write_force(self, folder: Path, block: Block) -> None:
        """A weighing: time (s), voltage across the resistor (V), position (mm)."""
        cycle, time = int(block.labels["cycle"]), block.times().ravel()
        where = next(iter(self.readings.select("interferometer", cycle=cycle, weighing=block.labels["weighing"])))
        if where.schedule == block.schedule:
            position: Array = where.values.ravel()
        else:
            position = np.full(time.size, np.nanmean(where.values))
        good = np.isfinite(block.values.ravel()) & np.isfinite(position)
        voltage = self._volts("current", block.values.ravel(), time, cycle)
        columns = np.stack([time, voltage, 1e3 * self._place(position, time)], axis=1)[good]
        state = str(block.labels["state"]).capitalize()
        name = f"{self._stamp(block.schedule.start)}_{int(block.labels['weighing'])}_{state}FMData.dat"
        _write(folder / name, columns)

    def write_velocity(self, folder: Path, cycle: int) -> None:
        """A velocity group: edges of each reading (s, mm), velocity (mm/s) and voltage (V), some sweeps a file."""
        for block in _moves(self.readings).select(cycle=cycle):
            s = block.schedule
            edges = next(
                b
                for b in self.readings.select("interferometer", phase="velocity", cycle=cycle)
                if b.schedule.start == s.start and b.aperture == 0
            )
            many = max(1, -(-s.repeats // PARTS), -(-NS // max(s.every, 1)) if s.repeats > 1 else 1)
            many += many % 2 if many > 1 else 0  # as many up as down
            instants = edges.schedule.instants()
            times = instants / NS
            voltage = self._volts("induced", block.values.ravel(), block.times().ravel(), cycle).reshape(s.repeats, -1)
            z = 1e3 * self._place(edges.values, times)
            t1, t2, z1, z2 = times[:, :-1], times[:, 1:], z[:, :-1], z[:, 1:]
            columns = np.stack([t1, t2, z1, z2, np.zeros_like(t1), (z2 - z1) / (t2 - t1), voltage], axis=-1)
            for k in range(0, s.repeats, many):
                rows = columns[k : k + many].reshape(-1, columns.shape[-1])
                good = np.isfinite(rows).all(axis=1)
                _write(folder / f"{self._stamp(int(instants[k, 0]))}_{k // many + 1}_VMData.dat", rows[good])

    def write_air(self, path: Path) -> None:
        """Relative humidity (%), pressure (hPa) and temperature (°C), a row every ten seconds."""
        blocks = list(self.readings)
        end = max(block.schedule.end for block in blocks) / NS
        time = np.arange(0.0, end + AIR_EVERY, AIR_EVERY)
        temperature, pressure, humidity = (self._air(quantity, time) for quantity in QUANTITIES)
        columns = [time, 100 * humidity, np.maximum(pressure / 100, LEAST_PRESSURE), temperature - 273.15]
        np.savetxt(path, np.stack(columns, axis=1), fmt="%.10g", header="Time RH Pressure Temperature", comments="")

    def _air(self, quantity: str, time: Array) -> Array:
        """What the station showed, less what its sensors show too much."""
        found = self.air.at(quantity, time)
        if found is None:
            raise ExportError(f"the KIBB-g2 format needs the {quantity} of the air, and nobody read it")
        offset: float = getattr(self.values, f"air_{quantity}")
        return found - offset

    def _place(self, shown: Array, time: Array) -> Array:
        """Positions (m) without the interferometer's periodic error, and by the wavelength in air."""
        known, period = self.certificates, self.certificates.nonlinearity_period
        position = shown
        if period is not None and self.periodic.any():
            position = without_periodic_error(shown, (float(self.periodic[0]), float(self.periodic[1])), period)
        if known.wavelength is None or known.vacuum:
            return position
        temperature, pressure, humidity = (self._air(quantity, time.ravel()) for quantity in QUANTITIES)
        index = refractive_index(temperature, pressure, humidity, known.wavelength, self.values.co2)
        return position / index.reshape(time.shape)

    def _volts(self, meter: Meter, shown: Array, time: Array, cycle: int) -> Array:
        """True volts, with the magnet at its reference temperature: less the meter's zero, times its gain."""
        zero: Readings | None = getattr(self.recording, f"{meter}_zero")
        reference: Readings | None = getattr(self.recording, f"{meter}_calibration")
        volts = shown if zero is None else shown - np.interp(time, zero.time, zero.mean)
        if reference is not None:
            middle = np.array([float(time.mean())])
            calibration = Calibration.prepare(reference, zero, middle, np.array([cycle]), self.air, meter)
            volts = volts * calibration.gain(self.values)
        magnet = self.recording.thermometer
        if magnet is None:
            return volts
        warmth = 1.0 + self.values.temperature_coefficient * np.interp(time, magnet.time, magnet.mean)
        return volts * warmth if meter == "current" else volts / warmth  # the same force takes less current then

    def _stamp(self, instant: int) -> str:
        """Year to second of an instant (ns), by which the files are ordered."""
        return (self.start + timedelta(seconds=instant // NS)).strftime("%Y%m%d%H%M%S")


def _text(value: str | float) -> str:
    """A string in quotes, a number without."""
    return '"' + value.replace('"', "'") + '"' if isinstance(value, str) else f"{value:.15g}"


def _write(path: Path, columns: Array) -> None:
    if path.exists():
        raise ExportError(f"two files of the run begin in one second: {path.name}; the KIBB-g2 format cannot tell them")
    np.savetxt(path, columns, fmt="%.15g")

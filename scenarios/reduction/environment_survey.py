"""What an environment survey finds: the field around a magnet at the bottom and at the top of its travel (Ma2025).

Blocks with the labels phase="survey", arrangement, rest_s and move_s, a burst for each cycle of rest, lift, rest and
descent: `fluxgate_1` … `fluxgate_6`, and `encoder`, the position of the stage.

Around the magnet the field is ``mean + amplitude cos(θ − phase)``, inward or upward. What a sensor shows without a
field is in its certificate, and cancels in the change from the bottom to the top. A step at the instants when the motor
is switched is told from the field that follows the magnet's position by a fit to both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction import six_sensors
from scenarios.reduction.certificates import NONE, Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from scenarios.reduction.six_sensors import COUNT
from twin.parameter import Parameters
from twin.recorder import Block, Blocks
from twin.times import to_ns

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SineFit:
    """``mean + amplitude cos(θ − phase)`` (T, rad), and standard uncertainties; NaN for a phase without amplitude."""

    mean: float
    u_mean: float
    amplitude: float
    u_amplitude: float
    phase: float
    u_phase: float

    @classmethod
    def of(cls, angles: Array, values: Array, u: Array) -> SineFit:
        """Least squares through values around (T) with uncertainties that are equal or nearly so."""
        matrix = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=1)
        inverse = np.linalg.pinv(matrix)
        mean, c, s = (inverse @ values).tolist()
        covariance = (inverse * u**2) @ inverse.T
        size = math.hypot(c, s)
        along, across = np.array([0.0, c, s]), np.array([0.0, -s, c])
        u_along, u_across = (
            math.sqrt(float(v @ covariance @ v)) / size if size else math.sqrt(float(covariance[1, 1]))
            for v in (along, across)
        )
        u_phase = u_across / size if size else math.nan
        return cls(mean, math.sqrt(float(covariance[0, 0])), size, u_along, math.atan2(s, c), u_phase)

    def at(self, angles: Array) -> Array:
        """The field (T)."""
        result: Array = self.mean + self.amplitude * np.cos(angles - self.phase)
        return result


@dataclass(frozen=True, eq=False)
class Survey:
    """One arrangement.

    Parameters
    ----------
    ends : field at bottom and top by sensor (T), shape (2, 6).
    u_change : of a sensor's change from bottom to top, from the scatter of cycles (T).
    steps, u_steps : at the switching of the motor, by sensor (T).
    time, course : of the first cycle: s, and (6, readings) in T.
    """

    name: str
    ends: Array
    u_change: Array
    steps: Array
    u_steps: Array
    time: Array
    course: Array

    @property
    def change(self) -> Array:
        """By sensor (T)."""
        result: Array = self.ends[1] - self.ends[0]
        return result


class EnvironmentSurveyReduction(Parameters):
    """How readings of an environment survey become fields around the magnet."""

    position_order: int = Field(3, ge=1, le=8, description="of the field's polynomial in the position of the magnet")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Both ends, the change between them, and the step, of every arrangement.

        Raises
        ------
        ReductionError
            If readings are missing or do not suffice.
        """
        told = readings.select("fluxgate_1", phase="survey")
        names = list(dict.fromkeys(str(block.labels["arrangement"]) for block in told))
        if not names:
            raise ReductionError("no block of channel 'fluxgate_1' with phase 'survey': nothing was read")
        surveys = [self._survey(name, readings, certificates) for name in names]
        angles = six_sensors.azimuths(certificates)
        u_zero = np.array([certificates.get(f"fluxgate_{k}.offset", NONE).u for k in range(1, COUNT + 1)])
        found = [quantity for survey in surveys for quantity in _quantities(survey, angles, u_zero)]
        found.append(Quantity("azimuth_rad", angles, "rad", "θ", "of the sensors"))
        curves = [curve for survey in surveys for curve in _curves(survey, angles)]
        return Findings((*found, *(q for survey in surveys for q in _series(survey))), tuple(curves))

    def _survey(self, name: str, readings: Blocks, certificates: Mapping[str, Estimate]) -> Survey:
        sensors = six_sensors.blocks(readings, phase="survey", arrangement=name)
        encoder = list(readings.select("encoder", phase="survey", arrangement=name))
        if len(encoder) != 1 or encoder[0].schedule != sensors[0].schedule:
            raise ReductionError(f"the encoder was not read with the sensors in arrangement {name!r}")
        if sensors[0].schedule.repeats < 2:
            raise ReductionError(f"one cycle of {name!r} does not tell its scatter; it takes two")
        gain, u_gain = six_sensors.gains(certificates)
        zero = np.array([certificates.get(f"fluxgate_{k}.offset", NONE).value for k in range(1, COUNT + 1)])
        bottom, top, moving = _parts(sensors[0])
        fields = np.array([(b.values - o) / g for b, g, o in zip(sensors, gain, zero, strict=True)])
        ends = np.stack([fields[:, :, part].mean(axis=2) for part in (bottom, top)])  # (2, 6, cycles)
        change = ends[1] - ends[0]
        scatter = math.sqrt(float(change.var(axis=1, ddof=1).mean()) / change.shape[1])
        u_change = np.hypot(scatter, u_gain * change.mean(axis=1))
        steps, u_steps = _steps(fields, encoder[0].values, moving, self.position_order)
        time = sensors[0].times()[0] - sensors[0].times()[0, 0]
        return Survey(name, ends.mean(axis=2), u_change, steps, u_steps, time, fields[:, 0])


def _parts(block: Block) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which readings of a cycle are at the bottom, at the top, and with the motor switched on.

    A reading that one of these begins or ends in is in none.
    """
    rest, move = (block.labels.get(key) for key in ("rest_s", "move_s"))
    if not isinstance(rest, float | int) or not isinstance(move, float | int):
        raise ReductionError("a block of 'fluxgate_1' lacks the labels rest_s and move_s")
    begins = block.schedule.step * np.arange(block.schedule.count)
    ends = begins + block.aperture
    marks = np.cumsum([0, *(to_ns(float(t)) for t in (rest, move, rest, move))])
    inside = [(begins >= a) & (ends <= b) for a, b in pairwise(marks.tolist())]
    return inside[0], inside[2], inside[1] | inside[3]


def _steps(fields: Array, position: Array, moving: NDArray[np.bool_], order: int) -> tuple[Array, Array]:
    """Of each sensor, with the motor on against off: beside a polynomial of the position, and a constant each cycle."""
    cycles, count = position.shape
    x = position.ravel() / max(float(np.abs(position).max()), 1e-12)
    columns = [np.tile(moving, cycles).astype(float), *(x**k for k in range(1, order + 1))]
    columns += list(np.repeat(np.eye(cycles), count, axis=1))
    matrix = np.stack(columns, axis=1)
    values = fields.reshape(len(fields), -1).T
    found = np.linalg.lstsq(matrix, values, rcond=None)[0]
    rest = values - matrix @ found
    variance = (rest**2).sum(axis=0) / (len(matrix) - matrix.shape[1])
    own = float(np.linalg.pinv(matrix.T @ matrix)[0, 0])
    return found[0], np.sqrt(variance * own)


def _quantities(survey: Survey, angles: Array, u_zero: Array) -> list[Quantity]:
    name, found = survey.name, []
    for end, values in zip(("bottom", "top"), survey.ends, strict=True):
        fit = SineFit.of(angles, values, np.hypot(u_zero, survey.u_change))
        found += [
            Quantity(f"{name}_{end}_mean_T", fit.mean, "T", "B̄", f"{name}: mean around, at the {end}", fit.u_mean),
            Quantity(f"{name}_{end}_amplitude_T", fit.amplitude, "T", "A", "of the sine around", fit.u_amplitude),
            Quantity(f"{name}_{end}_phase_rad", fit.phase, "rad", "φ", "azimuth of its crest", fit.u_phase),
        ]
    change = SineFit.of(angles, survey.change, survey.u_change)
    left = survey.change - change.at(angles)
    largest = int(np.abs(survey.change).argmax())
    motor = int(np.abs(survey.steps / np.where(survey.u_steps > 0, survey.u_steps, 1.0)).argmax())
    return [
        *found,
        Quantity(f"{name}_change_T", change.mean, "T", "ΔB̄", f"{name}: mean, top less bottom", change.u_mean),
        Quantity(f"{name}_change_amplitude_T", change.amplitude, "T", "ΔA", "of its sine around", change.u_amplitude),
        Quantity(
            f"{name}_change_left_T",
            float(np.sqrt((left**2).mean())),
            "T",
            "r",
            f"{name}: what the sine leaves of the change, rms",
            float(np.sqrt((survey.u_change**2).mean())),
        ),
        Quantity(
            f"{name}_largest_change_T",
            float(survey.change[largest]),
            "T",
            "ΔB_max",
            f"{name}: largest change, at sensor {largest + 1}",
            float(survey.u_change[largest]),
        ),
        Quantity(
            f"{name}_motor_step_T",
            float(survey.steps[motor]),
            "T",
            "ΔB_m",
            f"{name}: step when the motor is switched, at sensor {motor + 1}, where it stands out most",
            float(survey.u_steps[motor]),
        ),
    ]


def _series(survey: Survey) -> list[Quantity]:
    name = survey.name
    return [
        Quantity(f"{name}_changes_T", survey.change, "T", "ΔB", f"{name}: by sensor, top less bottom", survey.u_change),
        Quantity(f"{name}_motor_steps_T", survey.steps, "T", "ΔB_m", f"{name}: by sensor", survey.u_steps),
    ]


def _curves(survey: Survey, angles: Array) -> list[Curve]:
    """The first cycle, and the field around at both ends."""
    micro, name = 1e6, survey.name
    fine = np.linspace(0.0, 2 * np.pi, 200)
    around = []
    for end, values in zip(("bottom", "top"), survey.ends, strict=True):
        fit = SineFit.of(angles, values, survey.u_change)
        around.append(Line(end, np.degrees(np.mod(angles, 2 * np.pi)), values * micro, points=True))
        around.append(Line(f"sine, {end}", np.degrees(fine), fit.at(fine) * micro))
    course = tuple(
        Line(called, survey.time, (b - b[: max(len(b) // 10, 1)].mean()) * micro)
        for called, b in [
            ("mean of six", survey.course.mean(axis=0)),
            *((f"sensor {k + 1}", survey.course[k]) for k in (0, 2, 4)),
        ]
    )
    caption = (
        f"{name}: the first cycle, from the field at the bottom. The magnet rests, is lifted, rests, and comes down."
    )
    return [
        Curve(f"{name}_cycle", caption, ("time", "s"), ("ΔB", "µT"), course),
        Curve(
            f"{name}_around", f"{name}: around the magnet at both ends.", ("azimuth", "°"), ("B", "µT"), tuple(around)
        ),
    ]

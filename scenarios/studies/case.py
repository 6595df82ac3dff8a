"""A run with one effect as theory sees it: what was set, and when and where it was read; never what came out."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.reduction import ReductionSettings
from scenarios.reduction.velocity import SWEEPS_FOR_BEND, SWEEPS_FOR_DRIFT, SWEEPS_FOR_PAIRS
from scenarios.run.result import Result
from twin.recorder import Schedule
from twin.timeline import Timeline
from twin.times import NS, Times

Array = NDArray[np.float64]


class Case:
    """What the bias of an effect is computed from.

    Weighings have the shape (cycles, weighings), velocity groups (cycles,), voltage readings of a group (sweeps,
    readings). The mass is on in the first weighing of a cycle and in every other one after it.

    Parameters
    ----------
    result : of the run; of its blocks the times are used, and what a perfect thermometer shows.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        self.parts: dict[str, Any] = dict(result.scenario.components())
        self.campaign: Any = result.scenario.campaign
        self.reduction = result.scenario.section("reduction", ReductionSettings)

    # --- forces and currents -----------------------------------------------------------------------------------------

    @property
    def gravity(self) -> float:
        """At the gravimeter (m/s²)."""
        return float(self.parts["environment"].gravity)

    @property
    def weight(self) -> float:
        """m g (N)."""
        return self.result.true.mass_kg * self.gravity

    @property
    def bl(self) -> float:
        """At the weighing position (T·m)."""
        return self.result.true.bl_Tm

    @property
    def shares(self) -> tuple[float, float]:
        """Force of the coil with the mass on and off, over m g."""
        tare = float(self.parts["test_mass"].tare_fraction)
        return 1.0 - tare, -tare

    @property
    def currents(self) -> tuple[float, float]:
        """In the coil with the mass on and off (A), to first order."""
        on, off = self.shares
        return on * self.weight / self.bl, off * self.weight / self.bl

    @property
    def last_current(self) -> float:
        """In the last weighing of a cycle (A), to first order."""
        return self.currents[0] if self.on[-1] else self.currents[1]

    @property
    def distance(self) -> float:
        """Of the coil from the symmetry plane while it weighs (m)."""
        return float(self.parts["flexure"].weighing_position - self.parts["coil"].symmetry_plane)

    # --- times -------------------------------------------------------------------------------------------------------

    @property
    def on(self) -> NDArray[np.bool_]:
        """Whether the mass is on, for the weighings of a cycle."""
        return np.arange(self.campaign.weighing.count) % 2 == 0

    @cached_property
    def windows(self) -> Array:
        """Data windows of the weighings (s), shape (cycles, weighings, 2)."""
        windows: Array = self.campaign.weighing_windows().reshape(self.campaign.cycles, -1, 2)
        return windows

    @cached_property
    def weighing_times(self) -> Array:
        """Middle of each weighing (s)."""
        return self.times("current_voltmeter", "weighing").reshape(self.campaign.cycles, -1)

    @cached_property
    def group_times(self) -> Array:
        """Middle of each velocity group (s)."""
        return self.times("induced_voltmeter", "velocity")

    def times(self, channel: str, phase: str) -> Array:
        """Middle of each block (s), in order."""
        return np.array([b.times().mean() for b in self.result.readings.select(channel, phase=phase)])

    def calibration_times(self, channel: str) -> Array:
        """When a voltmeter read the reference (s), in order."""
        return self.times(channel, "calibration")

    def holding(self, channel: str, at: Array) -> NDArray[np.int64]:
        """Which calibration's gain is held at times (s), shape (cycles, …): the nearest one of the cycle."""
        read = self.result.readings.select(channel, phase="calibration")
        cycle = np.array([block.labels["cycle"] for block in read])
        own = np.arange(len(at)).reshape(-1, *[1] * at.ndim)
        apart = np.where(cycle == own, np.abs(at[..., None] - self.calibration_times(channel)), np.inf)
        return np.asarray(np.argmin(apart, axis=-1))

    # --- from a weighing or a velocity group to the mass -------------------------------------------------------------

    @cached_property
    def scheme(self) -> Array:
        """Weights of the weighings of a cycle in the difference on − off, freed of a polynomial drift."""
        first = self.reduction.skip_weighings
        t = self.weighing_times[0, first:]
        drift = np.vander((t - t.mean()) / np.ptp(t), self.reduction.drift_order + 1)
        weights = np.linalg.pinv(np.column_stack([self.on[first:], drift]))[0]
        return np.concatenate([np.zeros(first), weights])

    def force_error(self, newtons: ArrayLike) -> float:
        """Bias of the mass if each weighing finds so much more force (N), shape that of the weighings."""
        shape = self.campaign.cycles, self.campaign.weighing.count
        return float((np.broadcast_to(newtons, shape) @ self.scheme).mean()) / self.weight

    def relative_error(self, relative: ArrayLike) -> float:
        """Bias of the mass if each weighing finds its force larger by so much, relative."""
        share = np.where(self.on, *self.shares)
        return self.force_error(share * self.weight * np.asarray(relative))

    def carried(self, groups: ArrayLike) -> Array:
        """Relative errors of Bl in the velocity groups at the weighings: on the line through neighbouring groups."""
        return _line(np.asarray(groups, dtype=float), self.group_times, self.weighing_times)

    def calibrated(self, current: Array, induced: Array) -> Array:
        """Relative errors of the voltmeters' calibrations at the weighings, on lines through their own, or held."""
        if not self.reduction.corrections.voltmeter_drift:
            held = current[self.holding("current_voltmeter", self.weighing_times)]
            return held + self.carried(induced[self.holding("induced_voltmeter", self.group_times)])
        times = [self.calibration_times(f"{meter}_voltmeter") for meter in ("current", "induced")]
        groups = _line(induced, times[1], self.group_times)
        return _line(current, times[0], self.weighing_times) + self.carried(groups)

    # --- the velocity phase ------------------------------------------------------------------------------------------

    @cached_property
    def schedule(self) -> Schedule:
        """The voltage readings of a velocity phase, counted from its start."""
        schedule: Schedule = self.campaign.velocity.schedule(0)
        return schedule

    @property
    def starts(self) -> Array:
        """Start of each velocity phase (s)."""
        campaign = self.campaign
        return (np.arange(campaign.cycles) * campaign.period + campaign.weighing_duration) / NS

    @property
    def reading_times(self) -> Array:
        """Middle of each voltage reading of a group after the start of its phase (s)."""
        return (self.schedule.instants() + 0.5 * self.schedule.step) / NS

    @cached_property
    def _motion(self) -> Timeline:
        motion = Timeline("coil")
        motion.follow(*self.campaign.velocity.laws(float(self.parts["flexure"].weighing_position), 0))
        return motion

    def edges(self, delay: float = 0.0, stretch: float = 0.0) -> Array:
        """Positions of the coil (m) at the ends of the voltage readings, shape (sweeps, readings + 1).

        Parameters
        ----------
        delay : by which the readings of a sweep are later (s).
        stretch : by which their length is longer, relative.
        """
        later = delay + stretch * self.schedule.step / NS * np.arange(self.schedule.count + 1)
        instants = self.schedule.instants()
        ends = np.column_stack([instants, instants[:, -1] + self.schedule.step])
        return self._motion.at(Times.offset(ends, np.broadcast_to(later, ends.shape)))

    def velocities(self, delay: float = 0.0, stretch: float = 0.0) -> Array:
        """Mean velocities of the coil during the voltage readings (m/s); see `edges`."""
        step = self.schedule.step / NS * (1.0 + stretch)
        velocities: Array = np.diff(self.edges(delay, stretch), axis=1) / step
        return velocities

    def fit_weights(self, delay: float = 0.0, *, offset_drifts: bool | None = None) -> Array:
        """What each voltage reading counts in Bl at the weighing position: Bl = Σ w U, shape (sweeps, readings).

        By least squares over Bl as a polynomial in z, its drift, an offset of the voltage and that one's drift.

        Parameters
        ----------
        delay : by which the positions are later than the readings (s).
        offset_drifts : whether a drift of the offset is among the unknowns; None for what the reduction does.
        """
        if offset_drifts is None:
            offset_drifts = self.reduction.corrections.offset_drift
        z = (self.edges(delay) - float(self.parts["flexure"].weighing_position)) / 1e-3
        step = self.schedule.step / NS
        columns = [1e-3 * np.diff(z**k, axis=1) / (k * step) for k in range(1, self.reduction.profile_order + 2)]
        middles = self.reading_times.mean(axis=1)[:, None]
        if len(middles) >= SWEEPS_FOR_DRIFT:
            columns.append(columns[0] * (middles - middles.mean()) / np.ptp(middles))
        columns.append(np.full_like(columns[0], np.abs(columns[0]).mean()))
        if offset_drifts:
            if SWEEPS_FOR_PAIRS <= len(middles) <= SWEEPS_FOR_BEND:
                bend = ((middles - middles.mean()) / np.ptp(middles)) ** 2
                columns.append(columns[0] * (bend - bend.mean()))
            times = self.reading_times - self.reading_times.mean()
            columns.append(np.abs(columns[0]).mean() * times / np.ptp(times))
        design = np.stack([column.ravel() for column in columns], axis=1)
        return np.linalg.pinv(design)[0].reshape(z.shape[0], -1)

    def fitted(self, extra: Array, delay: float = 0.0, *, offset_drifts: bool | None = None) -> float:
        """Relative error of Bl at the weighing position if a group's voltages are too large by `extra` · Bl (m/s)."""
        return float(np.sum(self.fit_weights(delay, offset_drifts=offset_drifts) * extra))


def _line(values: Array, known: Array, at: Array) -> Array:
    """On the line through neighbouring values, which goes on beyond the first and the last one."""
    if len(known) == 1:
        return np.full(at.shape, values[0])
    before = np.clip(np.searchsorted(known, at) - 1, 0, len(known) - 2)
    slope = np.diff(values) / np.diff(known)
    line: Array = values[before] + slope[before] * (at - known[before])
    return line

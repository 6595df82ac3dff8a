"""Parameters of a scenario, estimated from what a run has recorded, with the twin itself as the model.

The readings are fitted by weighted least squares: each weight is the noise that the twin gives the reading. The
covariance is found by drawing: the estimate is linear in the readings near its end, so that what noise and what errors
of the *other* certificates do to it is one matrix times the members of an ensemble (`scenarios.run.ensemble`). Noise
that is not white, servo noise or vibration, counts as it is; what is stated of the fitted parameters themselves does
not count at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.voltmeter import TERMINALS
from scenarios.run.ensemble import Ensemble, Prediction, as_told
from scenarios.run.experiment import Experiment
from scenarios.run.replay import Replay, certain, middle_s
from scenarios.schema import Scenario
from scenarios.studies.fitted import Fit, Fitted, Residuals
from scenarios.studies.parameters import present, unit_of_path
from twin.command import is_command
from twin.errors import InputError, SimulationError, TwinError
from twin.recorder import Block, Blocks

Array = NDArray[np.float64]
MEMBERS = 32
"""Of each kind; the uncertainties are known to 1/√(2 · 32), 12 %."""
FIRST = 8
"""Of each kind, to weigh the readings."""
LEAST = 1e-9
"""Of a reading: noise that is less counts as much, so that readings without noise can be fitted."""
SEEN, LARGEST = 10.0, 1e12
"""A step of a parameter changes the readings by so many standard deviations in all; and how often it is enlarged."""
ALIKE = 1e-8
"""Singular values of the scaled sensitivities, relative: below, parameters cannot be told apart."""


class FitError(InputError):
    """Parameters that the readings do not determine, or that are none."""


def fit(experiment: Experiment, readings: Blocks, log: Blocks, paths: Sequence[str], *, members: int = MEMBERS) -> Fit:
    """Estimate parameters.

    Parameters
    ----------
    experiment : of the run; its values are where the search starts, and hold for all other parameters.
    readings, log : what was recorded; see `scenarios.run.recorded`.
    paths : such as ``balance.resistor.resistance``.

    Raises
    ------
    FitError
        If a path is no number of the scenario, or the readings do not determine it, or cannot tell it from another.
    SimulationError
        If the search does not end.
    """
    from scipy.optimize import least_squares

    start = np.array([_number(experiment, path) for path in paths])
    scenario = _without(experiment.scenario, paths)
    data = _Data.of(scenario, readings, log, FIRST)
    model = _Model(scenario, tuple(paths), readings, log, data)
    steps = np.array([model.step(start, k) for k in range(len(paths))])

    def residuals(x: Array) -> Array:
        return model.residuals(start + steps * x)

    def sensitivities(x: Array) -> Array:
        return model.sensitivities(start + steps * x, steps)

    linear = _linear(sensitivities(np.zeros(len(paths))), residuals(np.zeros(len(paths))), paths)
    near = linear if _cost(residuals, linear) < _cost(residuals, np.zeros(len(paths))) else np.zeros(len(paths))
    found = least_squares(residuals, near, sensitivities, xtol=1e-8, ftol=1e-12, gtol=1e-8)
    if not found.success:
        raise SimulationError(f"the fit does not end: {found.message}")
    jacobian, values = found.jac, start + steps * found.x
    there = scenario.with_(dict(zip(paths, values.tolist(), strict=True)))
    at_end = _Data.of(there, readings, log, members, data.whole_scale)
    gain = np.linalg.pinv(jacobian)
    return _concluded(experiment.scenario, model, data, at_end, gain, jacobian, start, values, steps)


@dataclass(frozen=True)
class _Data:
    """The readings that are fitted, in one row, with what the ensemble says of them.

    Parameters
    ----------
    blocks : they come from.
    good : which of all their readings are fitted.
    values : of these.
    scale : standard deviation of each; whole_scale : also of those that are not fitted.
    errors, noise : as of a `Prediction`, over the scale, shape (members, readings).
    channels : number of the channel of each.
    """

    blocks: tuple[Block, ...]
    good: NDArray[np.bool_]
    values: Array
    scale: Array
    whole_scale: Array
    errors: Array
    noise: Array
    channels: NDArray[np.intp]

    @classmethod
    def of(
        cls, scenario: Scenario, readings: Blocks, log: Blocks, members: int, whole_scale: Array | None = None
    ) -> _Data:
        found = Ensemble.of(scenario, members).predictions(readings, log)
        if not found:
            raise FitError("nothing was recorded that the twin reads")
        whole = np.concatenate([block.values.ravel() for block, _ in found])
        good = np.isfinite(whole)
        scale = _scale(found) if whole_scale is None else whole_scale
        errors, noise = (
            np.concatenate([getattr(prediction, kind) for _, prediction in found], axis=1)[:, good] / scale[good]
            for kind in ("errors", "noise")
        )
        blocks = tuple(block for block, _ in found)
        numbers = {name: k for k, name in enumerate(dict.fromkeys((b.channel, b.quantity) for b in blocks))}
        channels = np.concatenate(
            [np.full(b.values.size, numbers[b.channel, b.quantity], dtype=np.intp) for b in blocks]
        )
        return cls(blocks, good, whole[good], scale[good], scale, errors, noise, channels[good])


def _scale(found: list[tuple[Block, Prediction]]) -> Array:
    """Standard deviation of each reading: noise, errors of certificates, and when it was taken.

    Noise is that of all blocks of a kind together.
    """
    kinds: dict[tuple[Any, ...], list[float]] = {}
    for block, prediction in found:
        kinds.setdefault(_kind(block), []).append(float(np.mean(prediction.noise**2)))
    scales = []
    for block, prediction in found:
        own: Array = np.mean(kinds[_kind(block)]) + prediction.timing**2 / 3.0
        if len(prediction.errors):
            own = own + np.mean(prediction.errors**2, axis=0)
        least = LEAST * float(np.sqrt(np.mean(prediction.expected**2)))
        scales.append(np.maximum(np.sqrt(own), least or (0.0 if own.all() else 1.0)))
    return np.concatenate(scales)


def _kind(block: Block) -> tuple[Any, ...]:
    labels = block.labels
    return block.channel, block.quantity, block.aperture, labels.get("phase"), labels.get(TERMINALS)


@dataclass(frozen=True)
class _Model:
    """The twin as a function of the parameters, in standard deviations of the readings."""

    scenario: Scenario
    paths: tuple[str, ...]
    recorded: Blocks
    log: Blocks
    data: _Data

    def residuals(self, values: Array) -> Array:
        """Model − reading, over the noise, shape (readings,)."""
        sure = certain(self.scenario.with_(dict(zip(self.paths, values.tolist(), strict=True))))
        twin, made = Replay(sure, quiet=True), []
        for block in as_told([twin], self.recorded, self.log):
            if is_command(block):
                twin.follow(block)
            elif (read := twin.read(block)) is not None:
                made.append(read.ravel())
        return (np.concatenate(made)[self.data.good] - self.data.values) / self.data.scale

    def sensitivities(self, values: Array, steps: Array) -> Array:
        """By central differences, for a step of each parameter, shape (readings, parameters)."""
        columns = []
        for k, step in enumerate(steps):
            up, down = values.copy(), values.copy()
            up[k], down[k] = values[k] + step, values[k] - step
            columns.append(0.5 * (self.residuals(up) - self.residuals(down)))
        return np.stack(columns, axis=1)

    def step(self, values: Array, k: int) -> float:
        """A step of a parameter that the readings show beyond doubt, and no more.

        Raises
        ------
        FitError
            If they show none.
        """
        before, step = self.residuals(values), 1e-9 * abs(values[k]) or 1e-15
        for _ in range(round(math.log10(LARGEST))):
            changed = values.copy()
            changed[k] += step
            seen = float(np.linalg.norm(self.residuals(changed) - before))
            if seen >= SEEN:
                return step * SEEN / seen
            step *= 10.0 if seen < 1.0 else 1.2 * SEEN / seen
            if values[k] and step > 0.5 * abs(values[k]):
                break
        raise FitError(f"{self.paths[k]}: the readings of this run do not tell anything about it")


def _concluded(
    scenario: Scenario,
    model: _Model,
    data: _Data,
    at_end: _Data,
    gain: Array,
    jacobian: Array,
    start: Array,
    values: Array,
    steps: Array,
) -> Fit:
    residuals, freedom = model.residuals(values), len(data.values) - len(values)
    chi2 = float(residuals @ residuals) / freedom
    pairs = at_end.noise.copy()
    if len(at_end.errors):
        pairs += at_end.errors
    left = pairs - (pairs @ gain.T) @ jacobian.T
    expected = float(np.mean(np.sum(left**2, axis=1))) / freedom
    noise = at_end.noise * _enlarged(data.channels, residuals, left)
    by_noise, by_errors = (_covariance(members @ gain.T * steps) for members in (noise, at_end.errors))
    total = by_noise + by_errors
    u = np.sqrt(np.diag(total))
    parts = np.sqrt(np.diag(by_noise)), np.sqrt(np.diag(by_errors))
    known = np.where(u > 0.0, u, 1.0)
    parameters = tuple(
        Fitted(path, unit_of_path(scenario, path) or "", *(float(x) for x in numbers))
        for path, *numbers in zip(model.paths, start, values, u, *parts, strict=True)
    )
    before = model.residuals(start)
    return Fit(
        scenario,
        parameters,
        total / np.outer(known, known) + np.diag(np.where(u > 0.0, 0.0, 1.0)),
        chi2,
        expected,
        len(data.values),
        tuple(_by_channel(data, -before * data.scale, -residuals * data.scale)),
        len(at_end.noise),
    )


def _enlarged(channels: NDArray[np.intp], residuals: Array, left: Array) -> Array:
    """By how much the noise of each reading is enlarged: channels that scatter more than their twins do (Birge)."""
    found = np.bincount(channels, residuals**2)
    expected = np.bincount(channels, np.mean(left**2, axis=0))
    ratio = np.where(expected > 0.0, found / np.where(expected > 0.0, expected, 1.0), 1.0)
    factor: Array = np.sqrt(np.maximum(ratio, 1.0))
    return factor[channels]


def _covariance(draws: Array) -> Array:
    """Of draws whose mean is zero, shape (draws, parameters)."""
    return draws.T @ draws / max(len(draws), 1)


def _by_channel(data: _Data, before: Array, after: Array) -> list[Residuals]:
    series: dict[tuple[str, str, str], list[tuple[float, ...]]] = {}
    place, used = 0, 0
    for block in data.blocks:
        size = block.values.size
        count = int(data.good[place : place + size].sum())
        here, place, used = slice(used, used + count), place + size, used + count
        if count:
            row = (middle_s(block), float(before[here].mean()), float(after[here].mean()), _u_of_mean(data, here))
            series.setdefault((block.channel, block.quantity, block.unit), []).append(row)
    return [Residuals(*about, *zip(*rows, strict=True)) for about, rows in series.items()]


def _u_of_mean(data: _Data, here: slice) -> float:
    """Standard uncertainty of the mean of some readings, by noise and certificates."""
    means = [(kind[:, here] * data.scale[here]).mean(axis=1) for kind in (data.noise, data.errors) if len(kind)]
    return math.sqrt(sum(float(np.mean(mean**2)) for mean in means))


def _number(experiment: Experiment, path: str) -> float:
    value = present(experiment, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        there = "has no number there; give its value by --set" if value is None else f"is {value!r}, no number"
        raise FitError(f"{path}: the scenario {there}")
    return float(value)


def _without(scenario: Scenario, paths: Sequence[str]) -> Scenario:
    """The scenario without what it states of the uncertainty of the parameters that are fitted."""
    stated: dict[str, Any] = {}
    for path in paths:
        first, *rest = path.split(".")
        part = scenario.balance.parts.get(rest[0]) if first == "balance" and len(rest) == 2 else None
        if part is not None and rest[1] in part.uncertainties:
            stated[f"balance.{rest[0]}.uncertainties.{rest[1]}"] = None
    return scenario.with_(stated) if stated else scenario


def _linear(jacobian: Array, residuals: Array, paths: Sequence[str]) -> Array:
    """Where the readings would lead a linear model.

    Raises
    ------
    FitError
        If some parameters do the same to all readings, naming them.
    """
    scaled = jacobian / np.linalg.norm(jacobian, axis=0)
    _, sizes, rows = np.linalg.svd(scaled, full_matrices=False)
    if sizes[-1] < ALIKE * sizes[0]:
        together = [path for path, share in zip(paths, rows[-1], strict=True) if abs(share) > 0.1]
        raise FitError(f"the readings of this run cannot tell {' and '.join(together)} apart; hold one of them")
    step: Array = np.asarray(np.linalg.lstsq(jacobian, -residuals, rcond=None)[0], dtype=np.float64)
    return step


def _cost(residuals: Callable[[Array], Array], x: Array) -> float:
    """Sum of squares; infinite where the twin cannot be."""
    try:
        return float(np.sum(residuals(x) ** 2))
    except TwinError:
        return math.inf

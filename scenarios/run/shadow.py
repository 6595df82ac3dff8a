"""The twin beside a run: what each channel should read, in which band, and an alarm where it does not.

The band of a reading is that of the twin's noise and of the errors that the certificates allow
(`scenarios.run.ensemble`), for a real one also that of its calibration and of when it was taken, expanded with
Student's t to a false alarm in a million. What is out of it is not good: a real reading becomes *not a number* in its
block, which the reduction leaves out or refuses, and what was read is kept in the log.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.run.ensemble import MEMBERS, Ensemble, Prediction, as_told
from scenarios.run.notebook import with_prefix
from scenarios.run.replay import middle_s
from scenarios.schema import Scenario
from twin.command import is_command
from twin.recorder import Block, Blocks

Array = NDArray[np.float64]
FALSE_ALARM = 1e-6
"""Probability that a good reading, or the mean of a good block, is out of its band."""
DOUBTFUL = "doubtful"
"""Label in the log: how many readings of the block are not good."""
ROOT_3 = math.sqrt(3.0)
"""Of a rectangular distribution: half-width over standard uncertainty."""
TOLD = 20
"""Alarms that a summary lists."""


@dataclass(frozen=True)
class Verdict:
    """What the twin says of a block.

    Parameters
    ----------
    block : as it was read.
    residual : mean of reading − prediction.
    u : standard uncertainty of this mean, as the twin predicts it; 0: nothing is stated that it could come from.
    band : half-width of the band of the mean.
    worst : largest residual of a reading, in half-widths of its own band.
    doubtful : which readings are out of the band, shape as the block's values.
    reading_band : largest half-width of the band of a single reading; what is wrong by less is not found.
    """

    block: Block
    residual: float
    u: float
    band: float
    worst: float
    doubtful: NDArray[np.bool_]
    reading_band: float = 0.0

    @property
    def alarm(self) -> bool:
        """Whether anything is out of its band."""
        return bool(self.doubtful.any())

    def slim(self) -> Verdict:
        """Without the readings, of which there may be many: zeros in their place, which take no memory."""
        shape = self.block.values.shape
        block = replace(self.block, values=np.broadcast_to(np.zeros(()), shape))
        return replace(self, block=block, doubtful=np.broadcast_to(np.zeros((), dtype=bool), shape))

    def for_the_log(self) -> Block:
        """The readings that are not good, and no others."""
        labels = {**self.block.labels, DOUBTFUL: int(self.doubtful.sum())}
        return replace(self.block, values=np.where(self.doubtful, self.block.values, np.nan), labels=labels)

    def __str__(self) -> str:
        b = self.block
        place = f"{b.channel} {b.quantity} at {middle_s(b):.6g} s"
        count = int(self.doubtful.sum())
        mean = f"mean residual {with_prefix(self.residual, b.unit)}, band ±{with_prefix(self.band, b.unit)}"
        stays = "" if b.source == "real" else "; simulated, and left as it is"
        return f"{place}: {count} of {b.values.size} readings out of the band; {mean}{stays}"


def judged(block: Block, prediction: Prediction, u_reading: float = 0.0) -> Verdict:
    """Whether a block is what it may be.

    Parameters
    ----------
    u_reading : standard uncertainty of the calibration of a real instrument, in the block's unit.
    """
    values = block.values.ravel()
    there = np.isfinite(values)
    residual = values - prediction.expected
    late = prediction.timing / ROOT_3
    u_one, band_one = _reading_band(prediction, np.hypot(u_reading, late))
    u, band = _mean_band(prediction, there, math.hypot(u_reading, float(late[there].mean()) if there.any() else 0.0))
    mean = float(residual[there].mean()) if there.any() else 0.0
    if u == 0.0 and not u_one.any():
        return Verdict(block, mean, 0.0, 0.0, 0.0, np.zeros(block.values.shape, dtype=bool))
    score = np.abs(residual) / np.where(band_one > 0.0, band_one, np.inf)
    out = ~there | (score > 1.0)
    good = ~out
    if not good.any() or abs(residual[good].mean()) > band:
        out[:] = True
    worst = float(score[there].max(initial=0.0))
    return Verdict(block, mean, u, band, worst, out.reshape(block.values.shape), float(band_one.max()))


def _reading_band(prediction: Prediction, u_other: Array) -> tuple[Array, Array]:
    """Standard uncertainty and half-width for each reading; noise is alike in the whole block."""
    noise, runs = prediction.noise, len(prediction.noise)
    own = float(np.mean(noise**2))
    of_mean = float(np.mean(noise.mean(axis=1) ** 2))
    independent = min(own / of_mean, noise.shape[1]) if of_mean else 1.0
    errors = np.mean(prediction.errors**2, axis=0) if len(prediction.errors) else np.zeros(noise.shape[1])
    return _expanded(errors, len(prediction.errors), own, runs * independent, u_other)


def _mean_band(prediction: Prediction, there: NDArray[np.bool_], u_other: float) -> tuple[float, float]:
    """The same for the mean of the readings that there are."""
    if not there.any():
        return 0.0, 0.0
    noise = float(np.mean(prediction.noise[:, there].mean(axis=1) ** 2))
    errors = float(np.mean(prediction.errors[:, there].mean(axis=1) ** 2)) if len(prediction.errors) else 0.0
    other = np.array([u_other])
    u, band = _expanded(np.array([errors]), len(prediction.errors), noise, len(prediction.noise), other)
    return float(u[0]), float(band[0])


def _expanded(errors: Array, balances: int, noise: float, dof: float, u_other: Array) -> tuple[Array, Array]:
    """Standard uncertainty and half-width, of variances that were found from so many draws (Welch–Satterthwaite)."""
    from scipy.special import stdtrit

    total = errors + noise + u_other**2
    spread = errors**2 / max(balances, 1) + noise**2 / dof
    freedom = np.where(spread > 0.0, total**2 / np.where(spread > 0.0, spread, 1.0), 1e9)
    u = np.sqrt(total)
    return u, u * stdtrit(np.minimum(freedom, 1e9), 1.0 - 0.5 * FALSE_ALARM)


class Shadow:
    """Twins beside a run.

    Parameters
    ----------
    scenario : of the run.
    members : of the ensemble, of each kind.
    """

    def __init__(self, scenario: Scenario, members: int = MEMBERS) -> None:
        self.scenario = scenario
        self.members = members
        self.verdicts: list[Verdict] = []
        self._ensemble = Ensemble.of(scenario, members)

    def follow(self, command: Block) -> None:
        """Be told what the run was told."""
        self._ensemble.follow(command)

    def judge(self, block: Block) -> Verdict | None:
        """What the twins say of a block; None if they have no such reading."""
        prediction = self._ensemble.predict(block)
        if prediction is None:
            return None
        hardware = self.scenario.hardware.get(block.channel)
        u = hardware.calibration.u if hardware is not None and block.source == "real" else 0.0
        verdict = judged(block, prediction, u)
        self.verdicts.append(verdict)
        return verdict

    def go_through(self, readings: Iterable[Block], log: Blocks) -> None:
        """Judge what was recorded before."""
        for block in as_told(self._ensemble.all, as_they_were_read(readings, log), log):
            if is_command(block):
                self.follow(block)
            else:
                self.judge(block)

    def summary(self) -> dict[str, Any]:
        """See `summary`."""
        return summary(self.verdicts, self.members)


def summary(verdicts: Iterable[Verdict], members: int) -> dict[str, Any]:
    """What there is to tell, as plain values: by channel and quantity, with the series that pictures are drawn of."""
    channels: dict[tuple[str, str], list[Verdict]] = {}
    alarms = []
    for verdict in verdicts:
        channels.setdefault((verdict.block.channel, verdict.block.quantity), []).append(verdict)
        if verdict.alarm:
            alarms.append(verdict)
    return {
        "members": members,
        "false_alarm": FALSE_ALARM,
        "alarms": len(alarms),
        "told": [str(verdict) for verdict in alarms[:TOLD]],
        "channels": [_channel(found) for found in channels.values()],
    }


# --- what is not good ------------------------------------------------------------------------------------------------


def doubtful(block: Block) -> bool:
    """Whether a block of the log has readings that are not good."""
    return DOUBTFUL in block.labels


def taken_out(block: Block) -> tuple[str, str, int]:
    """By what a block of readings and the one in the log are known to belong together."""
    return block.channel, block.quantity, block.schedule.start


def good(readings: Iterable[Block], log: Blocks) -> Blocks:
    """Readings with *not a number* in the place of those that are not good."""
    return _changed(readings, log, lambda values, raw: np.where(np.isfinite(raw), np.nan, values))


def as_they_were_read(readings: Iterable[Block], log: Blocks) -> Blocks:
    """Readings with those that are not good."""
    return _changed(readings, log, lambda values, raw: np.where(np.isfinite(raw), raw, values))


def _changed(readings: Iterable[Block], log: Blocks, change: Callable[[Array, Array], Array]) -> Blocks:
    raw = {taken_out(block): block.values for block in log if doubtful(block)}
    found = []
    for block in readings:
        values = raw.get(taken_out(block))
        found.append(block if values is None else replace(block, values=change(block.values, values)))
    return Blocks(found)


def _channel(verdicts: list[Verdict]) -> dict[str, Any]:
    first = verdicts[0].block
    sized = [verdict for verdict in verdicts if verdict.u > 0.0]
    scores = np.array([verdict.residual / verdict.u for verdict in sized])
    return {
        "channel": first.channel,
        "quantity": first.quantity,
        "unit": first.unit,
        "source": first.source,
        "blocks": len(verdicts),
        "judged": len(sized),
        "readings": sum(verdict.block.values.size for verdict in verdicts),
        "doubtful": sum(int(verdict.doubtful.sum()) for verdict in verdicts),
        "alarms": sum(verdict.alarm for verdict in verdicts),
        "reading_band": max((verdict.reading_band for verdict in sized), default=None),
        "rms_score": float(np.sqrt(np.mean(scores**2))) if len(scores) else None,
        "time_s": [middle_s(verdict.block) for verdict in verdicts],
        "residual": [verdict.residual for verdict in verdicts],
        "band": [verdict.band for verdict in verdicts],
        "alarm": [verdict.alarm for verdict in verdicts],
    }

"""The twin beside a run: what each channel should read, in which band, and an alarm where it does not.

The band of a reading is that of the twin's noise and of the errors that the certificates allow
(`scenarios.run.ensemble`), expanded with Student's t to a false alarm in a million. What is out of it is not recorded
as good: a real reading becomes *not a number* in its block, which the reduction leaves out or refuses, and what was
read is kept in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.run.ensemble import MEMBERS, Ensemble, Prediction, as_told
from scenarios.run.notebook import with_prefix
from scenarios.run.replay import middle_s
from scenarios.schema import Scenario
from twin.command import command, is_command
from twin.piece import Piece
from twin.recorder import Block, Blocks
from twin.twin import Twin

Array = NDArray[np.float64]
FALSE_ALARM = 1e-6
"""Probability that a good reading, or the mean of a good block, is out of its band."""
DOUBTFUL = "doubtful"
"""Label in the log: how many readings of the block are not good."""
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
    """

    block: Block
    residual: float
    u: float
    band: float
    worst: float
    doubtful: NDArray[np.bool_]

    @property
    def alarm(self) -> bool:
        """Whether anything is out of its band."""
        return bool(self.doubtful.any())

    def __str__(self) -> str:
        b = self.block
        place = f"{b.channel} {b.quantity} at {middle_s(b):.6g} s"
        count = int(self.doubtful.sum())
        mean = f"mean residual {with_prefix(self.residual, b.unit)}, band ±{with_prefix(self.band, b.unit)}"
        return f"{place}: {count} of {b.values.size} readings out of the band; {mean}"


def judged(block: Block, prediction: Prediction, u_reading: float = 0.0) -> Verdict:
    """Whether a block is what it may be.

    Parameters
    ----------
    u_reading : standard uncertainty of the calibration of a real instrument, in the block's unit.
    """
    values = block.values.ravel()
    there = np.isfinite(values)
    residual = values - prediction.expected
    u_one, band_one = _reading_band(prediction, u_reading)
    u, band = _mean_band(prediction, there, u_reading)
    mean = float(residual[there].mean()) if there.any() else 0.0
    if u == 0.0 and not u_one.any():
        return Verdict(block, mean, 0.0, 0.0, 0.0, np.zeros(block.values.shape, dtype=bool))
    score = np.abs(residual) / np.where(band_one > 0.0, band_one, np.inf)
    out = ~there | (score > 1.0)
    good = ~out
    if not good.any() or abs(residual[good].mean()) > band:
        out[:] = True
    worst = float(score[there].max(initial=0.0))
    return Verdict(block, mean, u, band, worst, out.reshape(block.values.shape))


def _reading_band(prediction: Prediction, u_reading: float) -> tuple[Array, Array]:
    """Standard uncertainty and half-width for each reading; noise is alike in the whole block."""
    noise, runs = prediction.noise, len(prediction.noise)
    own = float(np.mean(noise**2))
    of_mean = float(np.mean(noise.mean(axis=1) ** 2))
    independent = min(own / of_mean, noise.shape[1]) if of_mean else 1.0
    errors = np.mean(prediction.errors**2, axis=0) if len(prediction.errors) else np.zeros(noise.shape[1])
    return _expanded(errors, len(prediction.errors), own, runs * independent, u_reading)


def _mean_band(prediction: Prediction, there: NDArray[np.bool_], u_reading: float) -> tuple[float, float]:
    """The same for the mean of the readings that there are."""
    if not there.any():
        return 0.0, 0.0
    noise = float(np.mean(prediction.noise[:, there].mean(axis=1) ** 2))
    errors = float(np.mean(prediction.errors[:, there].mean(axis=1) ** 2)) if len(prediction.errors) else 0.0
    u, band = _expanded(np.array([errors]), len(prediction.errors), noise, len(prediction.noise), u_reading)
    return float(u[0]), float(band[0])


def _expanded(errors: Array, balances: int, noise: float, dof: float, u_reading: float) -> tuple[Array, Array]:
    """Standard uncertainty and half-width, of variances that were found from so many draws (Welch–Satterthwaite)."""
    from scipy.special import stdtrit

    total = errors + noise + u_reading**2
    spread = errors**2 / max(balances, 1) + noise**2 / dof
    freedom = np.where(spread > 0.0, total**2 / np.where(spread > 0.0, spread, 1.0), 1e9)
    u = np.sqrt(total)
    return u, u * stdtrit(np.minimum(freedom, 1e9), 1.0 - 0.5 * FALSE_ALARM)


class Shadow:
    """Twins beside a run, under way or recorded.

    Parameters
    ----------
    scenario : of the run.
    members : of the ensemble, of each kind.
    tell : takes each alarm as a line.
    """

    def __init__(
        self, scenario: Scenario, members: int = MEMBERS, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        self.scenario = scenario
        self.members = members
        self.verdicts: list[Verdict] = []
        self._tell = tell
        self._ensemble = Ensemble.of(scenario, members)

    def beside(self, twin: Twin) -> None:
        """From now on, follow what this twin is told and judge what it records, before that is kept."""
        recorder, clock = twin.recorder, twin.clock

        def told(instrument: str, timeline: str, laws: tuple[Piece, ...]) -> None:
            block = command(instrument, timeline, laws, clock.now)
            recorder.record_log(block)
            self._ensemble.follow(block)

        twin.bench.told = told
        recorder.judge = self._recorded

    def go_through(self, readings: Iterable[Block], log: Blocks) -> None:
        """Judge what was recorded before."""
        as_read = as_they_were_read(readings, log)
        tell, self._tell = self._tell, lambda text: None  # they were told
        for block in as_told(self._ensemble.all, as_read, log):
            if is_command(block):
                self._ensemble.follow(block)
            else:
                self.judge(block)
        self._tell = tell

    def judge(self, block: Block) -> Verdict | None:
        """What the twin says of a block; None if it has no such reading. An alarm is told."""
        prediction = self._ensemble.predict(block)
        if prediction is None:
            return None
        hardware = self.scenario.hardware.get(block.channel)
        u = hardware.calibration.u if hardware is not None and block.source == "real" else 0.0
        verdict = judged(block, prediction, u)
        self.verdicts.append(verdict)
        if verdict.alarm:
            self._tell(f"alarm: {verdict}")
        return verdict

    def _recorded(self, block: Block) -> tuple[Block, tuple[Block, ...]]:
        """What is recorded of a block: readings that are not good are no numbers, and the log has them all."""
        verdict = self.judge(block)
        if verdict is None or not verdict.alarm or block.source != "real":
            return block, ()
        labels = {**block.labels, DOUBTFUL: int(verdict.doubtful.sum())}
        good = np.where(verdict.doubtful, np.nan, block.values)
        return replace(block, values=good), (replace(block, labels=labels),)

    def summary(self) -> dict[str, Any]:
        """What there is to tell, as plain values: by channel and quantity, with the series that pictures are drawn
        of."""
        channels: dict[tuple[str, str], list[Verdict]] = {}
        for verdict in self.verdicts:
            channels.setdefault((verdict.block.channel, verdict.block.quantity), []).append(verdict)
        alarms = [verdict for verdict in self.verdicts if verdict.alarm]
        return {
            "members": self.members,
            "false_alarm": FALSE_ALARM,
            "alarms": len(alarms),
            "told": [str(verdict) for verdict in alarms[:TOLD]],
            "channels": [_channel(found) for found in channels.values()],
        }


def as_they_were_read(readings: Iterable[Block], log: Blocks) -> Blocks:
    """Blocks with what an alarm has taken out of them."""
    read = {(b.channel, b.quantity, b.schedule.start): b for b in log if DOUBTFUL in b.labels}
    found = []
    for block in readings:
        raw = read.get((block.channel, block.quantity, block.schedule.start))
        found.append(block if raw is None else replace(block, values=raw.values))
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
        "rms_score": float(np.sqrt(np.mean(scores**2))) if len(scores) else None,
        "time_s": [middle_s(verdict.block) for verdict in verdicts],
        "residual": [verdict.residual for verdict in verdicts],
        "band": [verdict.band for verdict in verdicts],
        "alarm": [verdict.alarm for verdict in verdicts],
    }

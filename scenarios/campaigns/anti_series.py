"""Anti-series TMTP: two windings in series while weighing, in anti-series in the velocity phase (Liu2025).

The current of the last weighing goes on in the velocity phase, so that the heat stays constant; the forces of the
windings cancel, and so do the voltages across their resistances but for the difference of these: ``U_AB + U_CD = I
(R_AB − R_CD) + Bl v`` with Bl of both. The windings are switched at zero current, within the ramps of the phases' ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scenarios.campaigns.bench import TwoWindingBench
from scenarios.campaigns.needs import SECOND_WINDING
from scenarios.campaigns.tmtp import Tmtp, TmtpPhases
from scenarios.schema.needs import Need
from twin.clock import Clock, Process
from twin.times import to_ns

Array = NDArray[np.float64]


class AntiSeries(Tmtp):
    """The anti-series TMTP campaign; its parameters are those of TMTP."""

    kept: ClassVar[tuple[str, ...]] = ("velocity",)
    """Name that the source keeps the current of the velocity phase under."""
    in_series: ClassVar[bool] = True
    """Both windings weigh together."""
    beside: ClassVar[tuple[Need, ...]] = (SECOND_WINDING,)

    @property
    def ramps(self) -> Array:
        """None: both windings drive the yoke while weighing, and neither does in the velocity phase."""
        return np.zeros((0, 2))

    def operations(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> TmtpPhases:
        return AntiSeriesPhases(self, TwoWindingBench.of(components), clock, weighing_position)


class AntiSeriesPhases(TmtpPhases):
    """The operations of the campaign: what TMTP does, with the windings switched."""

    campaign: AntiSeries
    bench: TwoWindingBench

    def begin_weighing(self) -> None:
        """Connect both windings in series."""
        b = self.bench
        b.switch_box.connect(main=(1, 1), meter=(1, 1))
        b.current_source.connect()
        b.servo.close()

    def end_weighing(self) -> None:
        """The source stays connected; nothing to do at zero current."""

    def release(self, end: int) -> Process:
        """Keep the current before the servo hands the load back."""
        yield self.clock.until(end - to_ns(self.campaign.weighing.ramp))
        self.bench.current_source.keep(self.campaign.kept[0])
        yield from super().release(end)

    def velocity(self, cycle: int) -> Process:
        """As in TMTP, with the current through both windings, against each other."""
        b, ramp, end = self.bench, self.campaign.weighing.ramp, self.clock.now + self.campaign.velocity.duration
        b.switch_box.connect(main=(1, -1), meter=(1, 1))
        b.servo.open()
        current = self._current(end, ramp)
        yield self.clock.together([super().velocity(cycle), current])

    def _current(self, end: int, ramp: float) -> Process:
        """The current of the velocity phase, from zero and back."""
        source = self.bench.current_source
        yield from source.set(source.kept(self.campaign.kept[0]), ramp)
        yield self.clock.until(end - to_ns(ramp))
        yield from source.set(0.0, ramp)

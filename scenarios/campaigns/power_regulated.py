"""Power-regulated OMTP: as OMTP, with a compensating current that keeps the power constant in the ramps (Liu2025).

In each ramp the main current follows a quarter of a sine and the compensating one, through the other winding, a quarter
of a cosine, or the other way round, so that ``i1² R1 + i2² R2`` stays what it is in the holds. Both push: in the middle
of a ramp with √2 times the force of the hold, which the stop of the flexure takes. The switch box disconnects the
compensating source while anything is measured. The currents are those of a trial before the run, and then those that
the servo asked for in the last hold with the same load.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

from scenarios.campaigns.bench import PowerRegulatedBench
from scenarios.campaigns.needs import COMPENSATION
from scenarios.campaigns.omtp import Omtp, OmtpBlocks
from scenarios.schema.needs import Need
from twin.clock import Clock, Process
from twin.parameter import parameter
from twin.piece import Piece, harmonics
from twin.recorder import Label, Schedule
from twin.steps import Step
from twin.times import NS, to_ns

CONTACT_READINGS = 24
"""Of the force on the stop, in a ramp."""


class PowerRegulated(Omtp):
    """The power-regulated OMTP campaign."""

    beside: ClassVar[tuple[Need, ...]] = (*Omtp.beside, COMPENSATION)

    resistance_ratio: float = parameter(
        "1", 1.0, gt=0, description="of winding 2 over winding 1, as the compensating current takes it to be"
    )

    def trial(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> list[Step]:
        """A weighing of either load before the run, which tells the currents to ramp to."""
        return [Step("trial weighing", 3 * NS, self.operations(components, clock, weighing_position).trial)]

    def operations(self, components: Mapping[str, Any], clock: Clock, weighing_position: float) -> RegulatedBlocks:
        return RegulatedBlocks(self, PowerRegulatedBench.of(components), clock, weighing_position)


class RegulatedBlocks(OmtpBlocks):
    """The operations of the campaign: other ramps than OMTP's."""

    campaign: PowerRegulated
    bench: PowerRegulatedBench

    def trial(self) -> Process:
        """Weigh with the mass on and off, and keep the currents."""
        b = self.bench
        self.connect(0)
        b.current_source.connect()
        b.servo.close()
        yield self.clock.together([b.mass_exchanger.load(1.0), b.servo.engage(1.0)])
        b.current_source.keep("on")
        yield from b.mass_exchanger.unload(1.0)
        b.current_source.keep("off")
        yield from b.servo.release(1.0)

    def take_over(self, start: int, state: str) -> Process:
        """Ramp up with the loop open, then close it: the servo demands what the source was set to, and what lacks."""
        yield from self.ramp_up(start, state)
        self.bench.servo.close()
        yield from self.bench.current_source.set(0.0, 0.0)

    def hand_back(self, down: int, state: str) -> Process:
        """Open the loop, and ramp down."""
        yield from self.ramp_down(down, state)

    def ramp_up(self, start: int, state: str) -> Process:
        """The main current comes along a sine, the compensating one goes along a cosine."""
        self.bench.servo.open()
        yield from self._regulated(start, state, rising=True)

    def ramp_down(self, down: int, state: str) -> Process:
        """The main current goes along a cosine, the compensating one comes along a sine."""
        yield self.clock.until(down)
        self.bench.servo.open()
        yield from self._regulated(down, state, rising=False)

    def _regulated(self, start: int, state: str, *, rising: bool) -> Process:
        b, ramp, period = self.bench, self.campaign.ramp, start // self.campaign.period
        end = start + to_ns(ramp)
        current = b.current_source.kept(state)
        ratio = self.campaign.resistance_ratio
        other = current * math.sqrt(1.0 / ratio if self.campaign.winding(period) == 1 else ratio)
        labels: dict[str, Label] = {"cycle": period // self.campaign.exchange_every, "state": state}
        watched = Schedule(start, (end - start) // CONTACT_READINGS, CONTACT_READINGS)
        self.connect(period, compensated=True)
        b.compensating_source.connect()
        operations = [
            b.current_source.follow([quarter(current, start, end, rising=rising)]),
            b.compensating_source.follow([quarter(other, start, end, rising=not rising)]),
            b.servo.engage(ramp) if rising else b.servo.release(ramp),
            b.stop.watch(watched, labels),
        ]
        yield self.clock.together(operations)
        if rising:
            b.compensating_source.check(start, end)
            b.compensating_source.disconnect()
            self.connect(period)

    def connect(self, period: int, *, compensated: bool = False) -> int:
        """Connect source and meter for the roles of a period, and the compensating source in the ramps."""
        winding = self.campaign.winding(period)
        main, other = ((1, 0), (0, 1)) if winding == 1 else ((0, 1), (1, 0))
        self.bench.switch_box.connect(main=main, meter=other, compensation=other if compensated else (0, 0))
        return winding


def quarter(amplitude: float, start: int, end: int, *, rising: bool) -> Piece:
    """A quarter of a sine from 0 to `amplitude`, or of a cosine from there to 0."""
    return harmonics(0.0, {Fraction(NS, 4 * (end - start)): (-1j if rising else 1.0) * amplitude}, start, end)

"""The switch box: which current flows through which of two windings, and which voltage the meter sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from twin.component import Port
from twin.instrument import Instrument
from twin.parameter import parameter
from twin.piece import constant
from twin.signal import Signal

Polarity = tuple[int, int]
"""How something is connected to windings 1 and 2: 1 forward, −1 reversed, 0 not at all."""


class SwitchBox(Instrument):
    """Connects two sources and a meter with two windings, four terminals in all (Liu2025).

    ``I_k = m_k I_main + c_k I_compensation`` flows through winding k, and the meter sees ``U = Σ s_k U_k +
    contact_emf``, each factor 1, −1 or 0: a winding in series with the other for (1, 1), in anti-series for (1, −1). It
    switches in no time; whoever switches sees to it that no current flows then.

    `sensed_current` and `sensed_resistance` are those of the windings between the meter's terminals,
    `driven_resistance` is what the main source drives. The main current's fluctuation goes where that current goes.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "main": Port("A"),
        "compensation": Port("A", default=0.0),
        "noise": Port("A", default=0.0),
        "voltage_1": Port("V"),
        "voltage_2": Port("V"),
        "resistance_1": Port("ohm", default=0.0),
        "resistance_2": Port("ohm", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {
        "current_1": Port("A"),
        "current_2": Port("A"),
        "noise_1": Port("A"),
        "noise_2": Port("A"),
        "voltage": Port("V"),
        "sensed_current": Port("A"),
        "sensed_resistance": Port("ohm"),
        "driven_resistance": Port("ohm"),
    }
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        "current_1": frozenset({"main", "compensation"}),
        "current_2": frozenset({"main", "compensation"}),
        "noise_1": frozenset({"noise"}),
        "noise_2": frozenset({"noise"}),
        "sensed_current": frozenset({"main", "compensation"}),
        "sensed_resistance": frozenset({"resistance_1", "resistance_2"}),
        "driven_resistance": frozenset({"resistance_1", "resistance_2"}),
    }

    contact_emf: float = parameter("V", 0.0, neutral=0.0, description="thermal EMF of the contacts to the meter")

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        main = [self.timeline(f"main_{k}", float(k == 1)) for k in (1, 2)]
        extra = [self.timeline(f"compensation_{k}") for k in (1, 2)]
        meter = [self.timeline(f"meter_{k}", float(k == 1)) for k in (1, 2)]
        currents = [m * inputs["main"] + c * inputs["compensation"] for m, c in zip(main, extra, strict=True)]
        resistances = [inputs["resistance_1"], inputs["resistance_2"]]
        return {
            "current_1": currents[0],
            "current_2": currents[1],
            "noise_1": main[0] * inputs["noise"],
            "noise_2": main[1] * inputs["noise"],
            "voltage": meter[0] * inputs["voltage_1"] + meter[1] * inputs["voltage_2"] + self.contact_emf,
            "sensed_current": meter[0] * currents[0] + meter[1] * currents[1],
            "sensed_resistance": _sum(meter, resistances),
            "driven_resistance": _sum(main, resistances),
        }

    def connect(self, main: Polarity, meter: Polarity, compensation: Polarity = (0, 0)) -> None:
        """Connect the main source, the meter and the compensating source, each to windings 1 and 2 in this polarity.

        Raises
        ------
        ValueError
            For factors other than 1, −1 and 0.
        """
        for port, polarity in (("main", main), ("meter", meter), ("compensation", compensation)):
            for k, factor in enumerate(polarity, start=1):
                if factor not in (-1, 0, 1):
                    raise ValueError(f"{self.name}: expected 1, -1 or 0 for {port}, not {factor}")
                self.timeline(f"{port}_{k}").follow(constant(float(factor), self.clock.now))


def _sum(switches: Sequence[Signal], values: Sequence[Signal]) -> Signal:
    """What is in series, whatever its polarity."""
    (a, b), (x, y) = switches, values
    return a * a * x + b * b * y

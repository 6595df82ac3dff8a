"""The yoke: the coil's own flux enters solid iron slowly, by diffusion.

In a slab of thickness d, permeability µ and resistivity ρ the mean field follows a step of the field at its surfaces as
``1 − Σ 8/(π² n²) exp(−n² t/τ1)`` over odd n, with ``τ1 = µ d²/(π² ρ)``, or four times that if the flux enters from one
side only. With the skin depth δ at the frequency f, ``ρ/µ = π f δ²``; Seifert2014 gives 5 mm at 1 Hz.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from twin.component import LinearComponent, Port, StateSpace
from twin.parameter import parameter


class Yoke(LinearComponent):
    """The yoke's magnetisation, as the coil current that would hold it in the steady state.

    ``q = Σ w_n q_n`` with ``τ1/n² dq_n/dt = drive − q_n`` for n = 1, 3, 5, … and w_n = 8/(π² n²); the last mode carries
    the weight of all that are faster still, so that in the steady state q is the drive. The coil says what it makes of
    it (`components.coil`).
    """

    inputs: ClassVar[Mapping[str, Port]] = {"drive": Port("A")}
    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A")}

    time_constant: float = parameter(
        "s", 24.0, gt=0, description="τ1", source="Seifert2014: 5 mm at 1 Hz; 68 mm of iron, flux from one side"
    )
    modes: int = parameter("1", 3, ge=1, le=8, description="of diffusion; the fastest is (2 modes − 1)² times faster")

    def weights(self) -> list[float]:
        """w_n of the modes, slowest first; their sum is 1."""
        slow = [8.0 / (np.pi * (2 * i + 1)) ** 2 for i in range(self.modes - 1)]
        return [*slow, 1.0 - sum(slow)]

    def time_constants(self) -> list[float]:
        """Of the modes (s), slowest first."""
        return [self.time_constant / (2 * i + 1) ** 2 for i in range(self.modes)]

    def scaled(self, factor: float) -> Yoke:
        """Diffusion times go with the square of the size."""
        return self.model_copy(update={"time_constant": self.time_constant * factor**2})

    def state_space(self) -> StateSpace:
        rates = 1.0 / np.array(self.time_constants())
        return StateSpace(
            a=-np.diag(rates),
            b=rates[:, None],
            c=np.array([self.weights()]),
            d=np.zeros((1, 1)),
            x0=np.zeros(self.modes),
        )

"""The yoke: the coil's own flux enters solid iron slowly, by diffusion.

In a slab of thickness d, permeability µ and resistivity ρ the mean field follows a step of the field at its surfaces as
``1 − Σ 8/(π² n²) exp(−n² t/τ1)`` over odd n, with ``τ1 = µ d²/(π² ρ)``, or four times that if the flux enters from one
side only. With the skin depth δ at the frequency f, ``ρ/µ = π f δ²``; Seifert2014 gives 5 mm at 1 Hz.

The flux also has to cross the gap. With the gap's reluctance g times that of the iron in the steady state the field at
the iron's surface is ``h = (1 + g) I − g q``, and the flux ``q = Y h`` with the slab's response Y above. Then q follows
faster, by up to 1 + g, and where the skin effect is strong, ``Y = 1/√(iωτ)``, what lacks of it grows as
``√ω/g``: the power law of Seifert2014. At higher frequency it has fallen off altogether.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from twin.component import LinearComponent, Port, StateSpace
from twin.parameter import parameter

Array = NDArray[Any]


class Yoke(LinearComponent):
    """The yoke's magnetisation, as the coil current that would hold it in the steady state.

    ``q = Σ w_n q_n`` with ``τ1/n² dq_n/dt = h − q_n`` for n = 1, 3, 5, … and w_n = 8/(π² n²), and
    ``h = (1 + g) drive − g q`` with the gap's reluctance g. The last mode carries the weight of all that are faster
    still, so that in the steady state q is the drive. From n = 2 `modes` − 1 on to the `highest` order, modes are taken
    together in groups that widen by a fifth. The coil says what it makes of it (`components.coil`).
    """

    inputs: ClassVar[Mapping[str, Port]] = {"drive": Port("A")}
    outputs: ClassVar[Mapping[str, Port]] = {"current": Port("A")}

    time_constant: float = parameter(
        "s", 24.0, gt=0, description="τ1", source="Seifert2014: 5 mm at 1 Hz; 68 mm of iron, flux from one side"
    )
    modes: int = parameter("1", 3, ge=1, le=8, description="of diffusion; the fastest is (2 modes − 1)² times faster")
    highest: int = parameter(
        "1", 0, ge=0, le=20_000, description="order n up to which faster modes are told, in groups; 0: they are not"
    )
    gap_reluctance: float = parameter(
        "1", 0.0, neutral=0.0, ge=0, description="g, of the gap over that of the iron in the steady state"
    )

    def _groups(self) -> list[tuple[float, float]]:
        """Weight and time constant of modes that are told together, slowest first, but for the last one's rest."""
        first = [2 * i + 1 for i in range(self.modes)]
        groups, n = [[order] for order in first], first[-1] + 2
        while n <= self.highest:
            wide = list(range(n, max(n, int(1.2 * n)) + 1, 2))
            groups.append(wide)
            n = wide[-1] + 2
        found = []
        for orders in groups:
            odd = np.array(orders, dtype=float)
            weights = 8.0 / (np.pi * odd) ** 2
            found.append((float(weights.sum()), float(weights @ odd**-2 / weights.sum()) * self.time_constant))
        return found

    def weights(self) -> list[float]:
        """w_n of the modes, slowest first; their sum is 1."""
        slow = [weight for weight, _ in self._groups()[:-1]]
        return [*slow, 1.0 - sum(slow)]

    def time_constants(self) -> list[float]:
        """Of the modes (s), slowest first."""
        return [time for _, time in self._groups()]

    def relaxation(self) -> tuple[Array, Array]:
        """Time constants (s) and weights of q after a step of the drive, ``Σ W_k (1 − exp(−t/T_k))``."""
        # With √(w_n/τ_n) for u and scaled states the rates are the eigenvalues of diag(1/τ) + g u uᵀ.
        rates, weights = 1.0 / np.array(self.time_constants()), np.array(self.weights())
        u = np.sqrt(weights * rates)
        found, vectors = np.linalg.eigh(np.diag(rates) + self.gap_reluctance * np.outer(u, u))
        return 1.0 / found, (1.0 + self.gap_reluctance) * (u @ vectors) ** 2 / found

    def response(self, frequency: Array) -> NDArray[np.complex128]:
        """What q makes of a drive at a frequency (Hz), with the phase of exp(+iωt)."""
        omega = 2j * np.pi * np.asarray(frequency, dtype=float)[..., None]
        slab = (np.array(self.weights()) / (1.0 + omega * np.array(self.time_constants()))).sum(axis=-1)
        return np.asarray((1.0 + self.gap_reluctance) * slab / (1.0 + self.gap_reluctance * slab), dtype=complex)

    def skin_depth(self, frequency: float, thickness: float) -> float:
        """δ (m) at a frequency (Hz), of iron of a thickness (m) that the flux enters from one side."""
        diffusivity = 4.0 * thickness**2 / (np.pi**2 * self.time_constant)
        return math.sqrt(diffusivity / (math.pi * frequency))

    def scaled(self, factor: float) -> Yoke:
        """Diffusion times go with the square of the size."""
        return self.model_copy(update={"time_constant": self.time_constant * factor**2})

    def state_space(self) -> StateSpace:
        rates, weights = 1.0 / np.array(self.time_constants()), np.array(self.weights())
        return StateSpace(
            a=-np.diag(rates) - self.gap_reluctance * np.outer(rates, weights),
            b=(1.0 + self.gap_reluctance) * rates[:, None],
            c=weights[None, :],
            d=np.zeros((1, 1)),
            x0=np.zeros(len(rates)),
        )

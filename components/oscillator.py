"""The weighing unit as an oscillator: its equation of motion, and what each term of it is.

    z̈ + 2 ζ ω0 ż + ω0² (z + κ2 z² + κ3 z³) + ω0² δ Σ w_i (z − x_i) + Bl i/m = ρ (Bl)_A(z) I(t)

z is the coil's distance from where the hinge rests, ρ = 1/(r m) with the arm ratio r and the mass m that moves,
referred to the coil, and ``(Bl)_A(z) = (Bl)_A (1 + a1 z + a2 z²)`` the actuator's constant (Li2026). The x_i relax
towards z, the after-effect of the hinge (Keck2024). i is the current that the balance's own coil drives as it moves, a
state of its circuit (`components.back_action`), none while nothing is closed around it.

How the equation is solved: `components.hinge_balance` for the periodic motion, `components.hinge_transient` for all
others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr, model_validator

from components.back_action import NONE, BackAction, CoilCircuit
from twin.parameter import Parameters, parameter

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Relaxations:
    """The after-effect: rates 1/τ_i (1/s), shape (k,), and the stiffness over mass ω0² δ w_i that each adds (1/s²)."""

    rates: Array
    stiffness: Array


class Oscillator(Parameters):
    """A hinge with actuator, as one degree of freedom.

    The defaults are KBmini's, inferred from its printed drive: of all oscillators those near 0.70 Hz and 0.41 answer it
    with a flat velocity. The mass makes 0.3 mm/s of that drive at the stated 0.6 mA. What is not linear is not printed.
    """

    natural_frequency: float = parameter(
        "Hz", 0.70, gt=0, description="ω0/2π, undamped", source="inferred from the drive of Li2026"
    )
    damping_ratio: float = parameter(
        "1",
        0.41,
        ge=0,
        lt=10,
        description="ζ, of the shorted actuator coil",
        source="inferred from the drive of Li2026",
    )
    quadratic_stiffness: float = parameter("1/m", 0.0, neutral=0.0, description="κ2 of the restoring force z + κ2 z²")
    cubic_stiffness: float = parameter("1/m^2", 0.0, neutral=0.0, description="κ3 of the restoring force z + κ3 z³")
    actuator_constant: float = parameter("T*m", 30.0, gt=0, description="(Bl)_A at rest", source="Li2026")
    actuator_slope: float = parameter("1/m", 0.0, neutral=0.0, description="a1 of (Bl)_A, per displacement of the coil")
    actuator_curvature: float = parameter(
        "1/m^2", 0.0, neutral=0.0, description="a2 of (Bl)_A, per squared displacement of the coil"
    )
    effective_mass: float = parameter(
        "kg", 18.0, gt=0, description="m, what moves, referred to the coil", source="inferred: 0.3 mm/s at 0.6 mA"
    )
    arm_ratio: float = parameter(
        "1", 0.2, gt=0, description="r, displacement of the coil over that at sensor and actuator", source="Li2026"
    )
    defect: float = parameter(
        "1", 0.0, neutral=0.0, ge=0, lt=1, description="δ, share of the stiffness that relaxes; CuBe 1.2e-4 (Keck2024)"
    )
    time_constants: list[float] = parameter("s", [10.0, 100.0, 1e3], description="τ_i of the relaxations")
    weights: list[float] = parameter("1", [0.4, 0.3, 0.3], description="w_i, share of the defect that each has")
    restitution: float = parameter("1", 0.0, ge=0, lt=1, description="speed after an impact on a stop over that before")

    _circuit: CoilCircuit | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _relaxations_fit(self) -> Oscillator:
        if len(self.weights) != len(self.time_constants) or any(tau <= 0 for tau in self.time_constants):
            raise ValueError(
                f"expected a weight for each time constant greater than 0, not {self.weights} and {self.time_constants}"
            )
        return self

    @property
    def omega0(self) -> float:
        """ω0 (rad/s)."""
        return 2.0 * np.pi * self.natural_frequency

    @property
    def damping(self) -> float:
        """Rate of damping, 2 ζ ω0 (1/s)."""
        return 2.0 * self.damping_ratio * self.omega0

    def coupled(self, circuit: CoilCircuit) -> Oscillator:
        """The same hinge, moving a coil with this circuit."""
        found = self.model_copy()
        found._circuit = circuit if circuit.conducts else None
        return found

    @property
    def circuit(self) -> CoilCircuit | None:
        """That of the balance's own coil; None while it is open."""
        return self._circuit

    @property
    def back_action(self) -> BackAction:
        """What that circuit does."""
        return self._circuit.on(self.effective_mass) if self._circuit else NONE

    @property
    def gain(self) -> float:
        """ρ (Bl)_A, acceleration of the coil at rest for the actuator's current (m/s²/A)."""
        return self.actuator_constant / (self.arm_ratio * self.effective_mass)

    @property
    def linear(self) -> bool:
        """Whether the motion is proportional to the current."""
        return not (self.quadratic_stiffness or self.cubic_stiffness or self.actuator_slope or self.actuator_curvature)

    def relaxations(self) -> Relaxations:
        """Those that have an influence."""
        on = [(1.0 / tau, w) for tau, w in zip(self.time_constants, self.weights, strict=True) if w * self.defect]
        rates, weights = np.array([rate for rate, _ in on]), np.array([w for _, w in on])
        return Relaxations(rates, self.omega0**2 * self.defect * weights)

    # --- terms of the equation ---------------------------------------------------------------------------------------

    def bending(self, z: Array) -> tuple[Array, Array]:
        """What the restoring force is beside its linear part, ω0² (κ2 z² + κ3 z³) (m/s²), and its slope (1/s²)."""
        a, b, square = self.quadratic_stiffness, self.cubic_stiffness, self.omega0**2
        return square * z * z * (a + b * z), square * z * (2.0 * a + 3.0 * b * z)

    def drive(self, z: Array) -> tuple[Array, Array]:
        """Acceleration for the current, ρ (Bl)_A(z) (m/s²/A), and its slope (1/s²/A)."""
        a, b = self.actuator_slope, self.actuator_curvature
        return self.gain * (1.0 + z * (a + b * z)), self.gain * (a + 2.0 * b * z)

    def impedance(self, omega: Array) -> Array:
        """Current-independent linear part at angular frequencies (rad/s): acceleration over displacement (1/s²)."""
        relax = self.relaxations()
        swing = 1j * np.multiply.outer(omega, 1.0 / relax.rates)
        lag: Array = (relax.stiffness * swing / (1.0 + swing)).sum(axis=-1)
        damping = self.damping + self.back_action.response(omega)
        result: Array = self.omega0**2 - omega**2 + 1j * omega * damping + lag
        return result

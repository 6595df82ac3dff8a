"""The after-effect: a bent hinge keeps relaxing, so that its force depends on where it has been."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import model_validator

from twin.component import LinearComponent, Port, StateSpace
from twin.parameter import parameter


class AfterEffect(LinearComponent):
    """Anelastic relaxation of the hinge: a generalised Maxwell model (Keck2024, arXiv:2403.13955).

    ``dx_i/dt = (z − x_i)/τ_i`` and ``force = stiffness · defect · Σ w_i (z − x_i)``: after a step of the position by Δ
    the force jumps by the share `defect` of ``stiffness · Δ`` and then decays; where the coil has been long enough it
    vanishes, and `stiffness` alone remains in `components.flexure.Flexure`. Relaxation times that are equally spaced on
    a logarithmic scale, of the same weight, give the damping independent of frequency that metals show.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"position": Port("m", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"force": Port("N")}

    defect: float = parameter(
        "1", 0.0, neutral=0.0, ge=0, lt=1, description="share of the stiffness that relaxes; CuBe 1.2e-4 (Keck2024)"
    )
    stiffness: float = parameter("N/m", 0.0, ge=0, description="of the hinge, at the coil")
    time_constants: list[float] = parameter("s", [10.0, 100.0, 1e3, 1e4], description="of the relaxations")
    weights: list[float] = parameter("1", [0.25, 0.25, 0.25, 0.25], description="share of the defect that each has")
    rest: float = parameter("m", 0.0, description="z at which the hinge has been before the start")

    @model_validator(mode="after")
    def _fits(self) -> AfterEffect:
        if not self.time_constants or len(self.weights) != len(self.time_constants):
            raise ValueError(
                f"expected one weight for each time constant, not {len(self.weights)} for {len(self.time_constants)}"
            )
        if any(tau <= 0 for tau in self.time_constants):
            raise ValueError(f"expected time_constants greater than 0, not {self.time_constants}")
        if any(w < 0 for w in self.weights) or abs(sum(self.weights) - 1.0) > 1e-6:
            raise ValueError(f"expected weights from 0 on whose sum is 1, not {self.weights}")
        return self

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.defect * self.stiffness else frozenset({"position"})

    def scaled(self, factor: float) -> AfterEffect:
        """Positions scale with the geometry; the stiffness is the hinge's own."""
        return self.model_copy(update={"rest": self.rest * factor})

    def state_space(self) -> StateSpace:
        rates = 1.0 / np.array(self.time_constants)
        yields = self.stiffness * self.defect * np.array([self.weights])
        return StateSpace(
            a=-np.diag(rates),
            b=rates[:, None],
            c=-yields,
            d=yields.sum(axis=1, keepdims=True),
            x0=np.full(len(rates), self.rest),
        )

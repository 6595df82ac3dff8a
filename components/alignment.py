"""Alignment: forces and torques of the coil that are not vertical, and motions that are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.component import Component, Port
from twin.parameter import parameter
from twin.signal import Constant, Signal


class Alignment(Component):
    """What a coil that hangs and moves a little askew adds to the induced voltage.

    The coil's power is ``U I = F · v + Γ · ω``, but the weighing sees F_z alone. Relative to F_z v_z the rest is

        ``ε = (F_x v_x + F_y v_y + Γ_x ω_x + Γ_y ω_y)/(F_z v_z)``

    In a radial field a coil whose axis leans by θ_x toward +x is pushed there by ``F_x = ½ F_z θ_x``: of the loop, only
    the two sides that rise and fall contribute, with sin² of the azimuth. So in y. The force acts at the centre of
    force, ``r = (x0, y0, 0)`` from the point that the coil turns about, its centre of mass or suspension: ``Γ = r × F``
    gives ``Γ_x = y0 F_z`` and ``Γ_y = −x0 F_z``. (A coil off the field's axis by δ has its centre of force off its own
    middle by −δ/2.) The parasitic motions go with the travel: ``v_x = drift_x v_z`` and ``ω_x = roll_x v_z``, and so in
    y. With these

        ``ε = coupling = ½ tilt_x drift_x + ½ tilt_y drift_y + offset_y roll_x − offset_x roll_y``

    adds to the flux linkage's derivative along z, not to the force: (Bl)_v = (Bl)_w (1 + coupling). Where a stage moves
    the magnet, all this is of the coil as the magnet sees it.

    Angles count right-handed about the axes that they are named after, but a `coil_tilt` by the direction in which the
    coil's axis leans.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"position": Port("m", default=0.0), "stage": Port("m", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {
        "x": Port("m"),
        "y": Port("m"),
        "theta_x": Port("rad"),
        "theta_y": Port("rad"),
        "coupling": Port("1"),
    }

    coil_tilt_x: float = parameter("rad", 0.0, neutral=0.0, description="lean of the coil's axis toward +x: 2 F_x/F_z")
    coil_tilt_y: float = parameter("rad", 0.0, neutral=0.0, description="lean of the coil's axis toward +y: 2 F_y/F_z")
    coil_offset_x: float = parameter("m", 0.0, neutral=0.0, description="centre of force from the centre of mass, in x")
    coil_offset_y: float = parameter("m", 0.0, neutral=0.0, description="centre of force from the centre of mass, in y")
    drift_x: float = parameter("m/m", 0.0, neutral=0.0, description="sideways motion along the travel, dx/dz")
    drift_y: float = parameter("m/m", 0.0, neutral=0.0, description="sideways motion along the travel, dy/dz")
    roll_x: float = parameter("rad/m", 0.0, neutral=0.0, description="rotation about x along the travel, dθ_x/dz")
    roll_y: float = parameter("rad/m", 0.0, neutral=0.0, description="rotation about y along the travel, dθ_y/dz")

    @property
    def coupling(self) -> float:
        """ε: relative addition to the voltage."""
        return (
            0.5 * (self.coil_tilt_x * self.drift_x + self.coil_tilt_y * self.drift_y)
            + self.coil_offset_y * self.roll_x
            - self.coil_offset_x * self.roll_y
        )

    def neutral_inputs(self) -> frozenset[str]:
        moves = self.drift_x or self.drift_y or self.roll_x or self.roll_y
        return frozenset() if moves else frozenset({"position", "stage"})

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        z = inputs["position"] - inputs["stage"]
        return {
            "x": self.drift_x * z,
            "y": self.drift_y * z,
            "theta_x": self.roll_x * z,
            "theta_y": self.roll_y * z,
            "coupling": Constant(self.coupling),
        }

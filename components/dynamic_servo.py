"""A servo that is real: a sampled PID controller that sees the coil through a noisy sensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from components.servo import IdealServo
from twin.clock import Process
from twin.component import Port
from twin.noise import Streams
from twin.parameter import parameter
from twin.piece import Piece
from twin.signal import Constant, Signal
from twin.spline_signal import SplineSignal
from twin.terms import Term
from twin.times import NS, to_ns

Array = NDArray[np.float64]
POINTS = 2**19
"""Samples after which the sensor's noise repeats."""
DAMPING = 0.7
"""Of the pair of poles that the default gains give the loop."""
VANISHED = 1e-6
"""Poles so close to zero are over within a sample."""


class DynamicServo(IdealServo):
    """Holds the coil with a current that is renewed at a fixed rate, from what a sensor shows of its deviation x.

    Beside the current that the load needs flows, from one sample to the next,

        i_k = −(K_p e_k + K_i h Σ e_j + K_d (e_k − e_{k−1})/h),    e_k = x_k + n_k,

    `delay` periods h late, and the coil, of mass m with what moves along, follows

        m ẍ + c ẋ + k x = bl i.

    `deviation` is x, which adds to the position that is measured; `current_noise` is i, which adds to the current that
    is measured. Both are zero while the coil carries nothing.

    The sensor's noise n is Gaussian, white up to half the sampling rate, and repeats after 2¹⁹ samples. What the loop
    makes of it is exact at the samples (its transfer function in z, with the current held between them); in between x
    is the spline through them, and i follows from x by the equation of motion, so that Newton's law holds at every
    instant. Weighed over a window of length T, i is off by no more than the change of ``m ẋ + c x`` over it, by T.

    When the coil has taken over the load, `hand_over_force` is by how much what was fed forward is above what it
    carries; the response of the loop dies away with its poles. What changes under the closed loop is fed forward.

    As vibration, x takes part in what is measured, not in the force (second order where Bl is flat), nor in the heat.
    The stiffness k is that of the flexure where the coil is held; it takes part in the loop alone.
    """

    outputs: ClassVar[Mapping[str, Port]] = {**IdealServo.outputs, "deviation": Port("m"), "current_noise": Port("A")}
    depends: ClassVar[Mapping[str, frozenset[str]]] = {
        **IdealServo.depends,
        "deviation": frozenset(),
        "current_noise": frozenset(),
    }

    moving_mass: float = parameter("kg", gt=0, description="m, of all that moves with the coil, as seen at the coil")
    bl: float = parameter("T*m", gt=0, description="force per current that the loop is tuned for")
    damping: float = parameter("N*s/m", 0.0, ge=0, description="c, of the motion without the loop")
    stiffness: float = parameter("N/m", 0.0, description="k, of the motion without the loop")
    sample_rate: float = parameter("Hz", 100.0, gt=0, description="1/h")
    delay: int = Field(default=1, ge=0, le=64, description="whole periods from a sample to the current that answers it")
    bandwidth: float = parameter("Hz", 1.0, gt=0, description="what gains follow from that are not given")
    proportional: float | None = parameter("A/m", None, gt=0, description="K_p")
    integral: float | None = parameter("A/(m*s)", None, gt=0, description="K_i")
    derivative: float | None = parameter("A*s/m", None, ge=0, description="K_d")
    sensor_noise: float = parameter("m/Hz^0.5", 0.0, neutral=0.0, ge=0, description="of n")
    hand_over_force: float = parameter("N", 0.0, neutral=0.0, description="fed forward in excess of the load")

    @model_validator(mode="after")
    def _is_stable(self) -> DynamicServo:
        largest = float(np.abs(self.poles).max())
        if largest >= 1.0:
            raise ValueError(
                f"expected a stable loop: its largest pole has the modulus {largest:.4g}, 1 or more; "
                "lower the bandwidth or the gains, raise sample_rate or shorten the delay"
            )
        return self

    # --- the loop ----------------------------------------------------------------------------------------------------

    @property
    def period(self) -> float:
        """h (s)."""
        return 1.0 / self.sample_rate

    @property
    def gains(self) -> tuple[float, float, float]:
        """K_p (A/m), K_i (A/(m s)) and K_d (A s/m).

        Those that are not given place the poles of a free mass, without sampling, at the bandwidth ω: those of
        (s + ω)(s² + 2ζωs + ω²).
        """
        omega, scale = 2.0 * math.pi * self.bandwidth, self.moving_mass / self.bl
        both = 2.0 * DAMPING + 1.0
        given = (self.proportional, self.integral, self.derivative)
        placed = (both * omega**2 * scale, omega**3 * scale, both * omega * scale)
        p, i, d = (own if value is None else value for value, own in zip(given, placed, strict=True))
        return p, i, d

    @cached_property
    def _polynomials(self) -> tuple[Array, Array, Array]:
        """Of the motion (numerator N and denominator of x/F) and of the closed loop (denominator D), in z.

        With the controller's C = c(z)/(h z (z − 1)) and d periods of delay, D = A h z^(d+1) (z − 1) + bl N c.
        """
        from scipy.linalg import expm

        h, m = self.period, self.moving_mass
        system = np.zeros((3, 3))
        system[0, 1], system[1] = 1.0, [-self.stiffness / m, -self.damping / m, 1.0 / m]
        held = expm(system * h)
        a, b = held[:2, :2], held[:2, 2]
        motion = np.array([1.0, -np.trace(a), np.linalg.det(a)])
        force: Array = np.array([b[0], a[0, 1] * b[1] - a[1, 1] * b[0]])
        p, i, d = self.gains
        step = np.array([1.0, -1.0])
        controller: Array = p * h * np.append(step, 0.0) + i * h**2 * np.array([1.0, 0, 0]) + d * np.polymul(step, step)
        opened = np.append(h * np.polymul(motion, step), np.zeros(self.delay + 1))
        loop: Array = np.polyadd(opened, self.bl * np.polymul(force, controller))
        return force, controller, loop

    @property
    def poles(self) -> NDArray[np.complex128]:
        """Of the closed loop, in z: a stable one has them all within the unit circle."""
        return np.roots(self._polynomials[2]).astype(complex)

    def noise_transfer(self, frequency: Array) -> NDArray[np.complex128]:
        """From the sensor's noise to the deviation, at frequencies (Hz) up to half the sampling rate, same shape."""
        z = np.exp(2j * np.pi * np.asarray(frequency, dtype=float) * self.period)
        force, controller, loop = self._polynomials
        answer: NDArray[np.complex128] = -self.bl * np.polyval(force, z) * np.polyval(controller, z)
        return answer / np.polyval(loop, z)

    def _step_response(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """Rates s (1/s) and amplitudes (m/N) of the deviation ``Re Σ a e^{s τ}`` that a step of force leaves."""
        force, _, loop = self._polynomials
        poles = self.poles
        poles = poles[np.abs(poles) > VANISHED]
        amplitudes = self.period * poles ** (self.delay + 1) * np.polyval(force, poles)
        rates = np.asarray(np.log(poles) * self.sample_rate, dtype=complex)
        return rates, amplitudes / np.polyval(np.polyder(loop), poles)

    # --- as a part ---------------------------------------------------------------------------------------------------

    def signals(self, **inputs: Signal) -> dict[str, Signal]:
        x, engaged = self._wander(), self.timeline("engagement")
        i = Constant(0.0) if isinstance(x, Constant) else self._current_of(x)
        return {
            **super().signals(**inputs),
            "deviation": engaged * (x + self.timeline("transient")),
            "current_noise": engaged * (i + self.timeline("transient_current")),
        }

    def _wander(self) -> Signal:
        if self.sensor_noise == 0.0:
            return Constant(0.0)
        step = to_ns(self.period)
        hertz = np.arange(1, POINTS // 2) * (NS / (step * POINTS))
        gain = self.sensor_noise * np.abs(self.noise_transfer(np.minimum(hertz, 0.5 * self.sample_rate)))
        return _wander(self.bench.streams, self.name, step, gain.tobytes())

    def _current_of(self, x: Signal) -> Signal:
        velocity = x.derivative()
        force = self.moving_mass * velocity.derivative() + self.damping * velocity + self.stiffness * x
        return force / self.bl

    def engage(self, duration: float) -> Process:
        """Let the coil take over the load within `duration` (s); the loop's answer to what was fed forward follows."""
        if self.hand_over_force:
            start = self.clock.now + to_ns(duration)
            rates, amplitudes = self._step_response()
            amplitudes = self.hand_over_force * amplitudes
            inertia = self.moving_mass * rates**2 + self.damping * rates + self.stiffness
            self.timeline("transient").follow(_decaying(rates, amplitudes, start))
            self.timeline("transient_current").follow(_decaying(rates, inertia / self.bl * amplitudes, start))
        yield from super().engage(duration)


def _decaying(rates: NDArray[np.complex128], amplitudes: NDArray[np.complex128], start: int) -> Piece:
    """``Re Σ a e^{s τ}`` from `start` (ns) on."""
    terms = tuple(Term(complex(s), np.array([[complex(a)]])) for s, a in zip(rates, amplitudes, strict=True))
    return Piece(start, None, NS, np.zeros((1, 1)), terms)


@lru_cache(maxsize=2)
def _wander(streams: Streams, name: str, step: int, gain: bytes) -> Signal:
    """The deviation of a seed, whose amplitude spectral density (m/√Hz) at the harmonics of the grid is `gain`."""
    density = np.frombuffer(gain)

    def spectrum() -> NDArray[np.complex128]:
        draws = streams.generator(name, "sensor").standard_normal((len(density), 2))
        resolution = NS / (step * POINTS)
        found = 0.5 * POINTS * math.sqrt(resolution) * density * (draws[:, 0] + 1j * draws[:, 1])
        return np.append(0.0, found)

    return SplineSignal.through(f"{name}.deviation", step, spectrum, POINTS)

"""The reference model in closed form at 40 digits: what the engine is compared with."""

from __future__ import annotations

from itertools import pairwise

import mpmath as mp
import numpy as np
from reference_model import (
    A_DRIVE,
    ALPHA,
    BL,
    CONDUCTANCE,
    F_DRIVE,
    HEAT_CAPACITY,
    I_MAX,
    OMEGA_0,
    R_COIL,
    R_STD,
    TO_AMBIENT,
    ZETA,
)

Row = list[mp.mpf]


def current_law(t: int) -> tuple[mp.mpf, mp.mpf]:
    """Value and slope (A, A/s) of the coil current from t on."""
    within = t % 7200
    if within >= 3600:
        return mp.mpf(0), mp.mpf(0)
    k, s = divmod(within, 180)
    level = mp.mpf(I_MAX if k % 2 == 0 else -I_MAX)
    if s < 45:
        return level * s / 45, level / 45
    return (level, mp.mpf(0)) if s < 135 else (level * (180 - s) / 45, -level / 45)


class Chain:
    """The thermal chain in its eigenmodes."""

    def __init__(self) -> None:
        n = len(HEAT_CAPACITY)
        k = mp.zeros(n)
        for i, g in enumerate(CONDUCTANCE):
            k[i, i] += mp.mpf(g)
            k[i + 1, i + 1] += mp.mpf(g)
            k[i, i + 1] -= mp.mpf(g)
            k[i + 1, i] -= mp.mpf(g)
        k[n - 1, n - 1] += mp.mpf(TO_AMBIENT)
        root = [mp.sqrt(mp.mpf(c)) for c in HEAT_CAPACITY]
        rates, vectors = mp.eigsy(mp.matrix([[k[i, j] / (root[i] * root[j]) for j in range(n)] for i in range(n)]))
        self.rates = [-r for r in rates]
        self.gain = [vectors[0, m] / root[0] for m in range(n)]
        self.out = [[vectors[i, m] / root[i] for m in range(n)] for i in range(n)]
        self.modes = [mp.mpf(0)] * n

    def at(self, i0: mp.mpf, slope: mp.mpf, tau: int) -> Row:
        """Modes `tau` seconds into a piece on which the current is ``i0 + slope t``."""
        c0, c1, c2 = R_COIL * i0**2, 2 * R_COIL * i0 * slope, R_COIL * slope**2
        result = []
        for rate, gain, x in zip(self.rates, self.gain, self.modes, strict=True):
            e = mp.exp(rate * tau)
            j0 = (e - 1) / rate
            j1 = (j0 - tau) / rate
            j2 = (2 * j1 - tau**2) / rate
            result.append(e * x + gain * (c0 * j0 + c1 * j1 + c2 * j2))
        return result

    def nodes(self, modes: Row) -> Row:
        """Temperatures of the nodes (K)."""
        return [mp.fsum(w * q for w, q in zip(row, modes, strict=True)) for row in self.out]


class Swing:
    """The oscillator as a phasor and a free decay."""

    def __init__(self) -> None:
        zeta, omega = mp.mpf(ZETA), mp.mpf(OMEGA_0)
        self.pole = mp.mpc(-zeta * omega, mp.sqrt(omega**2 - (zeta * omega) ** 2))
        self.drive = 2 * mp.pi * mp.mpf(repr(F_DRIVE))  # 0.95 Hz means 19/20
        self.phasor = mp.mpf(A_DRIVE) / mp.mpc(omega**2 - self.drive**2, 2 * zeta * omega * self.drive)
        self.state = (mp.mpf(0), mp.mpf(0))

    def at(self, driven: bool, tau: int) -> tuple[mp.mpf, mp.mpf]:
        """Position and velocity `tau` seconds into an hour."""
        c = self.phasor if driven else mp.mpc(0)
        x0, v0 = self.state[0] - c.imag, self.state[1] - (1j * self.drive * c).imag
        d = mp.mpc(x0, (self.pole.real * x0 - v0) / self.pole.imag) * mp.exp(self.pole * tau)
        wave = c * mp.exp(1j * self.drive * tau)
        return d.real + wave.imag, (self.pole * d).real + (1j * self.drive * wave).imag


def exact(hours: int, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Instants (s) that are multiples of `every`, and there the five temperatures, position and voltage.

    Returns
    -------
    seconds (n,), values (n, 7), rounded to double at the very end.
    """
    with mp.workdps(40):
        chain, swing, seconds, rows = Chain(), Swing(), [], []
        edges = sorted({h * 3600 for h in range(hours + 1)} | {
            h * 3600 + k * 180 + s for h in range(0, hours, 2) for k in range(20) for s in (0, 45, 135)
        })  # fmt: skip
        hour_start = 0
        for start, end in pairwise(edges):
            if start % 3600 == 0 and start:
                swing.state = swing.at((start // 3600 - 1) % 2 == 1, start - hour_start)
                hour_start = start
            i0, slope = current_law(start)
            driven = (start // 3600) % 2 == 1
            for t in range(start + 1, end + 1):
                if t % every:
                    continue
                nodes = chain.nodes(chain.at(i0, slope, t - start))
                x, v = swing.at(driven, t - hour_start)
                voltage = R_STD * (i0 + slope * (t - start)) + mp.mpf(BL) * (1 + mp.mpf(ALPHA) * nodes[4]) * v
                seconds.append(t)
                rows.append([float(q) for q in (*nodes, x, voltage)])
            chain.modes = chain.at(i0, slope, end - start)
        return np.array(seconds), np.array(rows)

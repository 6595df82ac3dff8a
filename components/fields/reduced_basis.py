"""A few modes in place of a heat model: one basis for every size and film coefficient.

The reduced space is spanned by the even temperature and by answers of the full model to heat in the coil, and to its
mirror image under reciprocity, heat in the magnets, at a few real Laplace variables and film coefficients (rational
Krylov). In that space the model is Galerkin's, symmetric and affine in size and film as the full one, so that it is
stable and passive for all of them, keeps all heat, and settles exactly at the temperature of the room.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.fields import cache
from components.fields.geometry import Geometry
from components.fields.heat import HeatModel, heat_model

Array = NDArray[np.float64]
STATES = 17
_VERSION = "thermal basis 2"
"""Part of the cache's key; to be changed with `reduce` and with `components.fields.heat`."""
_SLOW = ((2e-6, 0.15), (2e-6, 5.0), (2e-6, 45.0), (3e-5, 20.0))
_FAST = tuple((float(rate), 5.0) for rate in np.geomspace(1e-4, 0.1, 7))
POINTS = (*_SLOW, *_FAST)
"""Where the full model is solved: p² s (1/s) and p h (W/(m² K)). Sizes of 0.15 to 1.5, film coefficients of 1 to 30
and times from a minute to days are between them; what happens fast does not get to the surface."""


class ThermalModes(NamedTuple):
    """``dq/dt = −rates q + power P + room T_room`` and ``T = outputs q``: a size and a film coefficient's modes.

    Parameters
    ----------
    rates : decay rates (1/s), ascending, shape (n,).
    power : gain of the coil's power (K/(s W)), shape (n,).
    room : gain of the room's temperature rise (1/s), shape (n,).
    outputs : mean of the magnets, mean of the coil, and sensors, shape (2 + sensors, n).
    even : the modes of an even temperature of 1 K, shape (n,).
    """

    rates: Array
    power: Array
    room: Array
    outputs: Array
    even: Array


@dataclass(frozen=True, eq=False)
class ReducedBasis:
    """The Galerkin model at p = 1 in an orthonormal basis, heat capacity being the metric: C is the unit matrix.

    Parameters
    ----------
    model : the full model.
    shapes : temperatures of the basis at the nodes, shape (n, nz, nr); the first is even.
    conduction, film : K and K_h, shape (n, n).
    """

    model: HeatModel = field(repr=False)
    shapes: Array = field(repr=False)
    conduction: Array = field(repr=False)
    film: Array = field(repr=False)

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.shapes)

    def weigh(self, weights: Array) -> Array:
        """What the basis contributes to a weighted mean over the nodes, shape (n,)."""
        return self.shapes.reshape(self.states, -1) @ weights.ravel()

    def modes(self, p: float, h: float, sensors: tuple[tuple[float, float], ...] = ()) -> ThermalModes:
        """The modes at a size and a film coefficient.

        Parameters
        ----------
        p : linear size relative to the geometry.
        h : film coefficient, W/(m² K).
        sensors : places (r, z) in the geometry at p = 1 (m).

        Raises
        ------
        ValueError
            If a sensor is not in the magnet.
        """
        rates, turn = np.linalg.eigh(self.conduction / p**2 + (h / p) * self.film)
        capacity, heating, *means = self._weighed
        even = capacity @ turn
        return ThermalModes(
            rates=rates,
            power=heating @ turn / p**3,
            room=rates * even,
            outputs=np.stack([*means, *(self.weigh(self.model.sensor(*place)) for place in sensors)]) @ turn,
            even=even,
        )

    @cached_property
    def _weighed(self) -> tuple[Array, Array, Array, Array]:
        """What the basis contributes to all heat, and to what the coil heats; to the means of magnet and coil."""
        model = self.model
        return (
            self.weigh(model.capacity),
            self.weigh(model.heating),
            self.weigh(model.magnet),
            self.weigh(model.coil),
        )

    def response(self, hertz: float, p: float, h: float) -> NDArray[np.complex128]:
        """Temperatures of magnets and coil (K, complex) per watt of a sinusoidal heating, shape (2,)."""
        m = self.modes(p, h)
        found: NDArray[np.complex128] = m.outputs.astype(complex) @ (m.power / (2j * np.pi * hertz + m.rates))
        return found


def reduce(model: HeatModel, states: int = STATES) -> ReducedBasis:
    """The basis of a model.

    Parameters
    ----------
    states : at least 2; the even temperature is one of them.

    Raises
    ------
    ValueError
        If fewer or more states are asked for than there are answers.
    """
    if not 2 <= states <= 2 * len(POINTS) + 1:
        raise ValueError(f"a thermal basis has 2 to {2 * len(POINTS) + 1} states, not {states}")
    answers = [model.solve(rate, film, (model.heating, model.magnet)) for rate, film in POINTS]
    root = np.sqrt(model.capacity).ravel()
    even = root / np.linalg.norm(root)
    spread = np.concatenate(answers).reshape(-1, root.size) * root
    spread -= np.outer(spread @ even, even)
    spread /= np.linalg.norm(spread, axis=1)[:, None]
    _, vectors = np.linalg.eigh(spread @ spread.T)
    rows = np.vstack([even, vectors.T[::-1][: states - 1] @ spread])
    for _ in range(2):  # the answers are close to each other: twice, to be at right angles to the last digit
        rows = np.linalg.solve(np.linalg.cholesky(rows @ rows.T), rows)
    shapes = np.divide(rows, root, out=np.zeros_like(rows), where=root > 0)
    return _galerkin(model, shapes.reshape(states, *model.capacity.shape))


def _galerkin(model: HeatModel, shapes: Array) -> ReducedBasis:
    """The model in the space of some temperatures, of which the first is even and so conducts nothing."""
    flat = shapes.reshape(len(shapes), -1)
    conduction = flat @ model.conduct(shapes).reshape(flat.shape).T
    conduction[0] = conduction[:, 0] = 0.0
    film = (flat * model.film.ravel()) @ flat.T
    return ReducedBasis(model, shapes, 0.5 * (conduction + conduction.T), 0.5 * (film + film.T))


def thermal_basis(
    geometry: Geometry, refinement: float = 1.0, states: int = STATES, *, cached: bool = True
) -> ReducedBasis:
    """The basis of a magnet, from the cache if it is there; asked again for the same, it is the same.

    Parameters
    ----------
    refinement : of the grid, see `components.fields.heat.heat_model`.
    states : see `reduce`.
    cached : False solves, and leaves the cache alone.
    """

    def unpacked(arrays: dict[str, Array]) -> ReducedBasis:
        return ReducedBasis(heat_model(geometry, refinement), **arrays)

    return cache.kept(
        cache.key(_VERSION, str(POINTS), str(states), str(refinement), geometry.digest()),
        lambda: reduce(heat_model(geometry, refinement), states),
        lambda basis: {"shapes": basis.shapes, "conduction": basis.conduction, "film": basis.film},
        unpacked,
        cached=cached,
    )

"""Iron with a B–H curve, and Newton's method for its field.

The curve is held as the reluctivity ν(B) = H/B between the rows of the table: H(B) is a monotone cubic (PCHIP) and odd,
so that its slope at 0 is that of the first row; beyond the last row the polarisation stays. There is no hysteresis: the
curve stands for one operating state, such as annealed or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from components.fields.materials import MU0, Material
from components.fields.sparse import factorise
from twin.errors import SimulationError

if TYPE_CHECKING:
    from components.fields.magnetostatics import Model

Array = NDArray[Any]


@dataclass(frozen=True)
class Curve:
    """H as a function of B.

    Parameters
    ----------
    h : field strength (A/m) as a callable of the flux density (T) up to `last`; `slope` is its derivative.
    last : flux density (T) from which on B grows as in vacuum.
    initial : H/B at B = 0 (m/H).
    """

    h: Any
    slope: Any
    last: float
    initial: float

    @classmethod
    def of(cls, material: Material) -> Self:
        """The curve of a material with a table."""
        from scipy.interpolate import PchipInterpolator

        h, b = np.array(material.bh).T
        beyond = np.array([0.5, 1.0])
        odd_b = np.concatenate([-b[:0:-1], b, b[-1] + beyond])
        odd_h = np.concatenate([-h[:0:-1], h, h[-1] + beyond / MU0])
        found = PchipInterpolator(odd_b, odd_h)
        slope = found.derivative()
        return cls(found, slope, float(odd_b[-1]), float(slope(0.0)))

    def reluctivity(self, b: Array) -> tuple[Array, Array]:
        """ν = H/B and dH/dB (both m/H) at flux densities b >= 0 (T)."""
        inside = np.minimum(b, self.last)
        beyond = np.maximum(b - self.last, 0.0) / MU0
        small = b < 1e-9
        nu = np.where(small, self.initial, (self.h(inside) + beyond) / np.where(small, 1.0, b))
        return nu, np.where(b > self.last, 1 / MU0, self.slope(inside))


def newton(model: Model, steps: int, tolerance: float) -> Array:
    """ψ of a model whose iron has B–H curves; afterwards the model answers as it does to small changes from there.

    Steps are halved while the residual would grow.

    Raises
    ------
    SimulationError
        If the residual does not fall below `tolerance`, relative to the magnets' source, within `steps`.
    """

    free = model.boundary[1]
    source = model.magnet_source
    scale = float(np.linalg.norm(source[free])) or 1.0
    psi = model.solve(source)
    residual, tangent = _residual(model, psi, source)
    size = float(np.linalg.norm(residual[free]))
    for _ in range(steps):
        if size <= tolerance * scale:
            model.linearise(tangent())
            return psi
        step = np.zeros_like(psi)
        step[free] = factorise(tangent()[free][:, free].tocsc()).solve(-residual[free])
        factor = 1.0
        while True:
            trial, make = _residual(model, psi + factor * step, source)
            new = float(np.linalg.norm(trial[free]))
            if new < size or factor < 1e-3:
                break
            factor *= 0.5
        psi, residual, tangent, size = psi + factor * step, trial, make, new
    raise SimulationError(
        f"the field of the saturated iron did not converge in {steps} steps (residual {size / scale:.1e}); "
        "check the B-H table, or take a linear permeability"
    )


def _flux_density(model: Model, psi: Array) -> tuple[Array, Array, Array]:
    """The gradient of ψ divided by r, its two components and its size |B|, at the points of quadrature."""
    basis = model.basis
    gradient = basis.interpolate(psi).grad
    r = np.asarray(basis.global_coordinates())[0]
    gr, gz = gradient[0] / r, gradient[1] / r
    return gr, gz, np.hypot(gr, gz)


def _materials(model: Model, size: Array) -> tuple[Array, Array]:
    """ν and dH/dB at the points of quadrature."""
    nu = np.array(model.at_points(model.reluctivity))
    slope = nu.copy()
    for curve, cells in model.curves:
        chosen = cells.reshape(-1)
        nu[chosen], slope[chosen] = curve.reluctivity(size[chosen])
    return nu, slope


def _residual(model: Model, psi: Array, source: Array) -> tuple[Array, Any]:
    """``∫ H·curl v − source`` and a callable for its derivative."""
    from skfem import BilinearForm, LinearForm

    gr, gz, size = _flux_density(model, psi)
    nu, slope = _materials(model, size)
    form = LinearForm(lambda v, w: w.nu * (w.gr * v.grad[0] + w.gz * v.grad[1]))
    found = form.assemble(model.basis, nu=nu, gr=gr, gz=gz) + model.axis @ psi - source

    def tangent() -> Any:
        unit = np.where(size > 0, size, 1.0)
        er, ez = gr / unit, gz / unit

        def form(u: Any, v: Any, w: Any) -> Any:
            along_u = w.er * u.grad[0] + w.ez * u.grad[1]
            along_v = w.er * v.grad[0] + w.ez * v.grad[1]
            return (w.nu * (u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1]) + w.d * along_u * along_v) / w.x[0]

        return BilinearForm(form).assemble(model.basis, nu=nu, d=slope - nu, er=er, ez=ez) + model.axis

    return found, tangent

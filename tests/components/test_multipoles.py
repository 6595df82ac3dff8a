"""Multipoles: gradients of harmonic potentials, and a sphere of iron."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import Legendre

from components.multipoles import DEGREES, density

SIZE = 0.11
R, Z = np.array([0.16, 0.2, 0.15]), np.array([-0.085, 0.02, 0.1])


def potential(coefficients: dict[int, float], order: int, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    rho = np.hypot(r, z)
    total = np.zeros_like(rho)
    for degree, c in coefficients.items():
        basis = Legendre.basis(degree)
        shape = (r / rho) * basis.deriv()(z / rho) if order else basis(z / rho)
        total += c * SIZE * (SIZE / rho) ** (degree + 1) * shape
    return total


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("degree", [1, 2, 3, 6, 11])
def test_the_field_is_the_potentials_gradient(order: int, degree: int) -> None:
    c, h = {degree: 0.7}, 1e-5
    outward, upward = density(c, order, R, Z, SIZE)
    by_r = (potential(c, order, R + h, Z) - potential(c, order, R - h, Z)) / (2 * h)
    by_z = (potential(c, order, R, Z + h) - potential(c, order, R, Z - h)) / (2 * h)
    assert outward == pytest.approx(-by_r, rel=1e-6, abs=1e-9)
    assert upward == pytest.approx(-by_z, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("order", [0, 1])
def test_a_sphere_of_iron_has_no_field_along_its_surface(order: int) -> None:
    """A dipole of coefficient 1: B is normal to a highly permeable sphere, three times the far field at its pole."""
    angle = np.linspace(0.1, np.pi - 0.1, 9)
    r, z = SIZE * np.sin(angle), SIZE * np.cos(angle)
    outward, upward = density({1: 1.0}, order, r, z, SIZE)
    outward, upward = outward + order, upward + (1 - order)
    assert outward * np.cos(angle) - upward * np.sin(angle) == pytest.approx(np.zeros(9), abs=1e-14)
    pole = density({1: 1.0}, 0, 0.0, np.array([SIZE]), SIZE)[1] + 1.0
    assert pole == pytest.approx(3.0)


def test_what_a_symmetric_yoke_has_is_symmetric() -> None:
    """A vertical field's radial part changes sign across the middle plane, that of the magnet's own does not."""
    for parity, sign in (("odd", -1.0), ("even", 1.0)):
        c = {degree: 1.0 for degree in DEGREES[parity]}
        above, below = (density(c, 0, R, s * np.abs(Z), SIZE) for s in (1, -1))
        assert above[0] == pytest.approx(sign * below[0], rel=1e-12)
        assert above[1] == pytest.approx(-sign * below[1], rel=1e-12)

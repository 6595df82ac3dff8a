"""Sine and cosine by the tangent of half the angle."""

from __future__ import annotations

import numpy as np

from twin.angles import sine_cosine


def test_agrees_with_numpy_to_the_last_places_also_where_the_tangent_has_poles() -> None:
    quarters = np.arange(-400, 401) * (np.pi / 2)
    angles = np.concatenate([np.linspace(-1e4, 1e4, 100_001), quarters, quarters + 1e-9])
    sine, cosine = sine_cosine(angles)
    np.testing.assert_allclose(sine, np.sin(angles), rtol=0, atol=5e-16)
    np.testing.assert_allclose(cosine, np.cos(angles), rtol=0, atol=5e-16)


def test_keeps_the_shape_and_leaves_the_angles_alone() -> None:
    angles = np.linspace(0.0, 1.0, 6).reshape(2, 3)
    before = angles.copy()
    sine, cosine = sine_cosine(angles)
    assert sine.shape == cosine.shape == (2, 3)
    np.testing.assert_array_equal(angles, before)

"""Fields from geometry: a magnet's profile, computed and from the cache."""

from __future__ import annotations

import pytest

from components.fields.catalogue import KBMINI
from components.fields.profile import profile
from components.fields.weakly_magnetic import WeakPart, effect


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path))


def test_profile_cold(benchmark) -> None:
    """Target: 5 s, with a Bl that is smooth to 1e-8."""
    found = benchmark.pedantic(profile, (KBMINI,), {"cached": False}, rounds=3, warmup_rounds=1)
    assert float(found.bl_at(0.0)) == pytest.approx(1413, rel=1e-3)


def test_profile_cached(benchmark) -> None:
    """Target: 10 ms, to the first value of Bl."""
    profile(KBMINI)
    assert float(benchmark(lambda: profile(KBMINI).bl_at(0.0))) == pytest.approx(1413, rel=1e-3)


def test_weakly_magnetic_part(benchmark) -> None:
    """Five factorisations."""
    part = WeakPart(KBMINI.coil.mean_radius, 0.0, 4e-5, -1e-5)
    found = benchmark.pedantic(effect, (KBMINI, part), rounds=2)
    assert found.force_relative == pytest.approx(found.velocity_relative, rel=1e-9)

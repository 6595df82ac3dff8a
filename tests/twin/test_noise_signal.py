"""Noise as a signal: held over steps, seen alike by everybody, drawn forward in time only."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import SimulationError
from twin.noise import NoiseFigures, NoiseSource, Streams
from twin.noise_signal import NoiseSignal
from twin.signal import Elapsed
from twin.times import NS

STEP = NS // 10


def noise(seed: int = 1, figures: NoiseFigures | None = None) -> NoiseSignal:
    figures = figures or NoiseFigures(white=1.0, flicker=0.5, random_walk=0.1)
    return NoiseSignal(NoiseSource(figures, Streams(seed), "source.noise"), STEP)


def test_it_is_held_over_each_step() -> None:
    signal = noise()
    t = np.arange(0, 10 * STEP, STEP // 4)
    values = signal(t).reshape(10, 4)
    assert np.all(values == values[:, :1]) and len(np.unique(values)) == 10


def test_everybody_sees_the_same_whatever_the_order_of_looking() -> None:
    first, second = noise(), noise()
    whole = first(np.arange(0, 20 * STEP, STEP))
    parts = [second(np.arange(k * STEP, (k + 5) * STEP, STEP)) for k in range(0, 20, 5)]
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-14)
    assert second(np.array([7 * STEP])) == pytest.approx(whole[7], abs=1e-14)
    assert not np.array_equal(noise(2)(np.arange(0, 20 * STEP, STEP)), whole)


@given(st.integers(0, 30 * STEP), st.integers(1, 30 * STEP))
def test_means_are_exact(start: int, aperture: int) -> None:
    signal = noise()
    values = signal(np.arange(0, 61 * STEP, STEP))
    edges = np.arange(62) * STEP
    overlap = np.clip(np.minimum(edges[1:], start + aperture) - np.maximum(edges[:-1], start), 0, None)
    exact = (values * overlap).sum() / aperture
    assert signal.means(np.array([start]), aperture)[0] == pytest.approx(exact, abs=1e-14)


def test_means_over_whole_steps_are_those_of_the_steps() -> None:
    signal = noise()
    values = signal(np.arange(0, 60 * STEP, STEP))
    assert signal.means(np.arange(0, 60 * STEP, 3 * STEP), 3 * STEP) == pytest.approx(
        values.reshape(20, 3).mean(axis=1), abs=1e-15
    )
    signal(np.arange(80 * STEP, 90 * STEP, STEP))  # what was between is not known
    assert signal.means(np.array([[84 * STEP]]), 2 * STEP).shape == (1, 1)
    with pytest.raises(SimulationError):
        signal.means(np.array([58 * STEP]), 24 * STEP)


def test_means_keep_their_shape_and_overlap_as_they_like() -> None:
    signal = noise()
    starts = np.array([[0, 3], [STEP, 2 * STEP + 7]])
    found = signal.means(starts, 5 * STEP + 1)
    one = [[signal.means(np.array([s]), 5 * STEP + 1)[0] for s in row] for row in starts.tolist()]
    assert found == pytest.approx(np.array(one), abs=1e-15)
    assert signal.means(starts, 0).tolist() == signal(starts).tolist()


def test_an_offset_costs_no_digits() -> None:
    signal = noise()
    signal(np.arange(0, 1000 * STEP, STEP))
    signal._values[:] = 1.0
    assert np.all(signal.means(np.arange(0, 990 * STEP, STEP), STEP * 3) == 1.0)


def test_products_with_noise_are_split_at_its_steps() -> None:
    signal = noise()
    product = signal * (1.0 + Elapsed())
    values = signal(np.arange(0, 10 * STEP, STEP))
    middle = 1.0 + (np.arange(10) + 0.5) * 0.1
    assert product.means(np.array([0]), 10 * STEP)[0] == pytest.approx((values * middle).mean(), abs=1e-14)
    assert signal.breakpoints(STEP, 3 * STEP) == {2 * STEP} and signal.breakpoints(1, STEP + 1) == {STEP}


def test_the_past_is_not_invented() -> None:
    signal = noise()
    signal(np.array([50 * STEP]))
    with pytest.raises(SimulationError, match=r"source\.noise was not looked at before t = 1\.0 s was past"):
        signal(np.array([10 * STEP]))
    signal(np.array([60 * STEP]))
    with pytest.raises(SimulationError, match="not looked at over all of an aperture"):
        signal.means(np.array([50 * STEP]), 11 * STEP)
    with pytest.raises(SimulationError, match="has no derivative"):
        signal.derivative()


def test_dropped_steps_are_past_and_the_others_stay() -> None:
    signal = noise()
    values = signal(np.arange(0, 20 * STEP, STEP))
    signal.forget_before(10 * STEP + 1)
    assert signal(np.array([10 * STEP]))[0] == values[10]
    with pytest.raises(SimulationError):
        signal(np.array([9 * STEP]))


def test_a_checkpoint_in_the_middle_of_a_step_continues_to_the_bit() -> None:
    signal, uninterrupted = noise(), noise()
    early, late = np.arange(0, 5 * STEP, STEP // 3), np.arange(4 * STEP, 40 * STEP, STEP // 3)
    (signal(early), uninterrupted(early))
    saved = json.loads(json.dumps({"signal": signal.state(), "source": signal.source.state()}))
    resumed = noise()
    resumed.source.restore(saved["source"])
    resumed.restore(saved["signal"])
    assert resumed(late).tobytes() == uninterrupted(late).tobytes()
    assert resumed.means(late, 7 * STEP).tobytes() == uninterrupted.means(late, 7 * STEP).tobytes()


def test_a_gapless_one_can_be_looked_back_at_by_who_began_earlier() -> None:
    """As two meters whose readings overlap do; what is dropped is gone all the same."""
    figures = NoiseFigures(white=1.0, flicker=1.0)
    signal = NoiseSignal(NoiseSource(figures, Streams(1), "source.noise"), STEP, gapless=True)
    late = signal.means(np.array([100 * STEP]), 10 * STEP)
    early = signal.means(np.array([95 * STEP]), 20 * STEP)
    steps = signal(np.arange(95, 115) * STEP)
    assert early[0] == pytest.approx(steps.mean()) and late[0] == pytest.approx(steps[5:15].mean())
    signal.forget_before(200 * STEP)
    signal(np.array([150 * STEP]))
    with pytest.raises(SimulationError):
        signal(np.array([100 * STEP]))

"""Tapes: what is written out is what is composed, and twins of one wiring write out the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twin.composition import Product, Sum
from twin.signal import Elapsed, Signal
from twin.tape import Tape, _compiled
from twin.times import Times

A, B, C = Elapsed(), Elapsed(), Elapsed()
T = Times.of(np.linspace(0.1, 7.0, 9))
FACTORS = st.sampled_from([1.0, -1.0]) | st.floats(-1e3, 1e3).filter(bool) | st.just(float("inf"))
OFFSETS = st.just(0.0) | st.just(1.0) | st.floats(-1e3, 1e3)


@given(offset=OFFSETS, factors=st.lists(FACTORS, min_size=1, max_size=3))
def test_a_sum_is_the_same_written_out(offset: float, factors: list[float]) -> None:
    """To the last bit: signs and ones are left out of the text."""
    total = Sum(offset, tuple(zip(factors, (A, B, C), strict=False)))
    values = [np.sin(T.since(0) * k) + 1.5 for k in range(1, len(factors) + 1)]
    (found,) = Tape([total], total.operands).at(T)(*values)
    assert found.tobytes() == total.combine(*values).tobytes()


def test_other_numbers_are_not_compiled_again() -> None:
    """A study wires a thousand twins whose numbers differ."""

    def power(gain: float, offset: float) -> Signal:
        return Product(Sum(offset, ((gain, A), (-1.0, B))), Sum(0.0, ((gain, A),)))

    one = Tape([power(2.0, 0.5)], [A, B]).at(T)
    before = _compiled.cache_info().misses
    other = Tape([power(3.0, 0.25)], [A, B]).at(T)
    assert _compiled.cache_info().misses == before
    assert (one(4.0, 1.0), other(4.0, 1.0)) == ([60.0], [135.0])

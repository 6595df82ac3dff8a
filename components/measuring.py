"""What every measuring instrument does to the truth: gain, offset and noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twin.instrument import Instrument
from twin.noise import NoiseFigures

Array = NDArray[np.float64]


def shown(
    instrument: Instrument,
    channel: str,
    figures: NoiseFigures,
    effective_aperture: int,
    gain: float = 0.0,
    offset: float = 0.0,
) -> Callable[[Array, NDArray[np.int64]], Array]:
    """From true values (bursts, readings) at their instants to ``(1 + gain) · true + offset + noise``.

    Parameters
    ----------
    channel : of the instrument; keys its noise.
    effective_aperture : over which the noise averages (ns).
    """

    def disturb(values: Array, instants: NDArray[np.int64]) -> Array:
        result = values * (1.0 + gain) + offset if gain or offset else values
        if not figures.quiet:
            noise = instrument.noise(channel, figures).sample(instants.ravel(), effective_aperture)
            result = result + noise.reshape(values.shape)
        return result

    return disturb

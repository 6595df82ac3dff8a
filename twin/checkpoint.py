"""Checkpoints: the state of a run as plain data (JSON), without loss of a bit.

Arrays are little-endian numbers in base 64, which takes a tenth of the time of decimal ones; single numbers have their
shortest exact decimal form. A checkpoint is taken between steps only.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import CheckpointError
from twin.piece import Piece
from twin.terms import Decays, Term

Array = NDArray[Any]
FORMAT = 5
FLOAT, COMPLEX = "<f8", "<c16"


def encode_array(array: Array) -> dict[str, Any]:
    """An array of floats or complex numbers, any shape."""
    array = np.asarray(array)
    kind = COMPLEX if np.iscomplexobj(array) else FLOAT
    return {"shape": list(array.shape), kind: b64encode(array.astype(kind).tobytes()).decode("ascii")}


def decode_array(data: dict[str, Any]) -> Array:
    """The inverse of `encode_array`."""
    kind, native = (COMPLEX, np.complex128) if COMPLEX in data else (FLOAT, np.float64)
    return np.frombuffer(b64decode(data[kind]), dtype=kind).astype(native).reshape(data["shape"])


def encode_piece(piece: Piece) -> dict[str, Any]:
    """A closed-form piece."""
    terms = [
        {
            "rate": [complex(t.rate).real, complex(t.rate).imag],
            "series": encode_array(t.series),
            "hertz": None if t.hertz is None else [t.hertz.numerator, t.hertz.denominator],
        }
        for t in piece.terms
    ]
    return {
        "start": piece.start,
        "end": piece.end,
        "length": piece.length,
        "series": encode_array(piece.series),
        "terms": terms,
        "decays": [encode_array(piece.decays.rates), encode_array(piece.decays.factors)],
    }


def decode_piece(data: dict[str, Any]) -> Piece:
    """The inverse of `encode_piece`."""
    terms = []
    for term in data["terms"]:
        re, im = term["rate"]
        hertz = None if term["hertz"] is None else Fraction(*term["hertz"])
        terms.append(Term(complex(re, im) if im else re, decode_array(term["series"]), hertz))
    decays = Decays(*(decode_array(part) for part in data["decays"]))
    return Piece(data["start"], data["end"], data["length"], decode_array(data["series"]), tuple(terms), decays)


def check_format(state: dict[str, Any], fingerprint: str) -> None:
    """Refuse a checkpoint of another format or another scenario.

    Raises
    ------
    CheckpointError
        Saying which of the two it is.
    """
    if state.get("format") != FORMAT:
        raise CheckpointError(f"checkpoint format {state.get('format')!r} is not {FORMAT}: run the campaign anew")
    if state.get("fingerprint") != fingerprint:
        raise CheckpointError("the checkpoint belongs to another scenario or seed: resume the one it was made with")

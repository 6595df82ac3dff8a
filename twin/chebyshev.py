"""Chebyshev polynomials on [-1, 1]: nodes, transforms, integration; all matrices are cached by size."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ROUNDING = 5e-17
"""Relative size below which the last coefficients of a series are rounding."""


@lru_cache(maxsize=256)
def nodes(n: int) -> Array:
    """The n roots of T_n in ascending order: interior points, so that both ends belong to the neighbouring pieces."""
    k = np.arange(n)
    return -np.cos(np.pi * (2 * k + 1) / (2 * n))


@lru_cache(maxsize=256)
def vandermonde(n: int, degree: int) -> Array:
    """T_j at the n nodes, shape (n, degree + 1)."""
    k = np.arange(n)[:, None]
    sign = np.where(np.arange(degree + 1) % 2 == 0, 1.0, -1.0)
    turns = (2 * k + 1) * np.arange(degree + 1) % (4 * n)  # reduced in integers, so that high degrees stay exact
    matrix: Array = np.cos(np.pi * turns / (2 * n)) * sign
    return matrix


@lru_cache(maxsize=256)
def interpolation(n: int) -> Array:
    """Matrix (n, n) from values at the n nodes to coefficients."""
    matrix = vandermonde(n, n - 1).T * (2.0 / n)
    matrix[0] *= 0.5
    return matrix


@lru_cache(maxsize=256)
def integration(n: int) -> Array:
    """Matrix (n + 1, n) from coefficients of f to those of its integral from -1."""
    s = np.zeros((n + 1, n))
    for j in range(n):
        if j == 0:
            s[1, 0] = 1.0
        elif j == 1:
            s[0, 1], s[2, 1] = 0.25, 0.25
        else:
            s[j + 1, j] = 0.5 / (j + 1)
            s[j - 1, j] = -0.5 / (j - 1)
    signs = np.where(np.arange(n + 1) % 2 == 0, 1.0, -1.0)
    s[0] = -(signs[1:] @ s[1:])
    return s


@lru_cache(maxsize=256)
def integration_to_end(n: int) -> Array:
    """The same for the integral that vanishes at +1."""
    s = integration(n).copy()
    s[0] = -s[1:].sum(axis=0)
    return s


@lru_cache(maxsize=256)
def differentiation(n: int) -> Array:
    """Matrix (n, n) from coefficients of f to those of df/du."""
    d = np.zeros((n, n))
    for k in range(n):
        d[k, k + 1 :: 2] = 2.0 * np.arange(k + 1, n, 2)
    d[0] *= 0.5
    return d


@lru_cache(maxsize=64)
def powers(n: int) -> Array:
    """The series of (1 + u)^k, k < n, as columns of a matrix (n, n)."""
    matrix = np.zeros((n, n))
    for k in range(n):
        matrix[: k + 1, k] = np.polynomial.chebyshev.poly2cheb(np.polynomial.polynomial.polypow([1.0, 1.0], k))
    return matrix


def evaluate(coefficients: Array, u: Array) -> Array:
    """The sum of a series, coefficients (n,), at the points u in [-1, 1]."""
    n = len(coefficients)
    if n > 4 and n * np.size(u) < SMALL:  # few points: one product costs less than n steps
        angles = np.arccos(np.minimum(np.maximum(u, -1.0), 1.0))
        product: Array = np.cos(angles[..., None] * np.arange(n)) @ coefficients
        return product
    b1: Array = np.full(np.shape(u), coefficients[-1])
    if n == 1:
        return b1
    twice, b2 = 2.0 * u, np.zeros_like(b1)
    for c in coefficients[-2:0:-1]:
        b1, b2 = c + twice * b1 - b2, b1
    total: Array = coefficients[0] + u * b1 - b2
    return total


def evaluate_columns(coefficients: Array, u: Array) -> Array:
    """The sums of as many series, coefficients (n, points), as there are points u in [-1, 1]."""
    total: Array = coefficients[0]
    if len(coefficients) == 1:
        return total
    twice, b1, b2 = 2.0 * u, coefficients[-1], 0.0
    for c in coefficients[-2:0:-1]:
        b1, b2 = c + twice * b1 - b2, b1
    total = total + u * b1 - b2
    return total


SMALL = 6000
PANELS, LOCAL = 256, 8
"""A long series at many points is expanded anew on this many panels, with this many terms each."""
PANELS_OF_ROWS, TERMS_OF_ROWS = 64, 12
"""The same for many rows of points."""
KEPT = 2**17
"""Numbers in a matrix that is worth its memory."""


def evaluate_many(coefficients: Array, u: Array) -> Array:
    """The same as `evaluate` for many points in [-1, 1]: a high degree costs no more than a low one."""
    n = len(coefficients)
    if n <= LOCAL + 4 or u.size < 64 * PANELS or np.iscomplexobj(coefficients):
        return evaluate(coefficients, u)
    edges = np.arange(PANELS) * (2.0 / PANELS) - 1.0
    values = evaluate(coefficients, edges[:, None] + (nodes(LOCAL) + 1.0) / PANELS)
    local = values @ interpolation(LOCAL).T
    if np.abs(local[:, -2:]).max() > 4e-15 * np.abs(local[:, 0]).max():
        return evaluate(coefficients, u)
    panel = np.clip(((u + 1.0) * (0.5 * PANELS)).astype(np.intp), 0, PANELS - 1)
    twice = 2.0 * ((u + 1.0) * PANELS - 2.0 * panel - 1.0)
    b1, b2 = local[:, -1][panel], np.zeros(u.shape)
    for k in range(LOCAL - 2, 0, -1):
        b1, b2 = local[:, k][panel] + twice * b1 - b2, b1
    total: Array = local[:, 0][panel] + 0.5 * twice * b1 - b2
    return total


@lru_cache(maxsize=128)
def _at_nodes(size: int, first: int, last: int, n: int, length: int) -> Array:
    """T_j for j < size at the n nodes of a stretch from `first` to `last`, u = 2 t/length − 1, shape (n, size)."""
    u = (first + (nodes(n) + 1.0) * (0.5 * (last - first))) * (2.0 / length) - 1.0
    matrix: Array = np.cos(np.multiply.outer(np.arccos(np.clip(u, -1.0, 1.0)), np.arange(size)))
    return matrix


def evaluate_at_nodes(coefficients: Array, first: int, last: int, n: int, length: int) -> Array:
    """The sum of a series at the n nodes of a stretch from `first` to `last` of its own `length`, all integers.

    Stretches repeat from cycle to cycle, relative to the pieces that they are read from: matrices are kept.
    """
    size = -(-len(coefficients) // 16) * 16  # few sizes of matrix
    total: Array = _at_nodes(size, first, last, n, length)[:, : len(coefficients)] @ coefficients
    return total


@lru_cache(maxsize=32)
def _at_steps(n: int, first: int, step: int, count: int, length: int) -> Array:
    """T_j for j < n at `count` points u = 2 (first + k step)/length − 1, shape (count, n)."""
    u = (first + step * np.arange(count)) * (2.0 / length) - 1.0
    matrix: Array = np.cos(np.multiply.outer(np.arccos(np.clip(u, -1.0, 1.0)), np.arange(n)))
    return matrix


def evaluate_at_steps(coefficients: Array, first: int, step: int, count: int, length: int) -> Array:
    """The sum of a series at `count` points at regular steps, u = 2 (first + k step)/length − 1, all integers.

    Schedules repeat from cycle to cycle, relative to the pieces that they are read from: matrices are kept.
    """
    n = len(coefficients)
    size = -(-n // 16) * 16  # few sizes of matrix
    if n <= 4 or size * count > KEPT:
        return evaluate_many(coefficients, (first + step * np.arange(count)) * (2.0 / length) - 1.0)
    total: Array = _at_steps(size, first, step, count, length)[:, :n] @ coefficients
    return total


def evaluate_rows(coefficients: Array, first: int, every: int, count: int, within: bytes, length: int) -> Array:
    """The sum of a series at many rows of points, u = 2 (first + k every + within_j)/length − 1, all integers.

    Panels of as many rows each, in which the points lie alike, share one matrix.
    """
    n, offsets = len(coefficients), np.frombuffer(within, dtype=np.int64)
    many, size = -(-count // PANELS_OF_ROWS), -(-n // 16) * 16
    points = many * len(offsets)
    if n > 4 and points >= TERMS_OF_ROWS and not np.iscomplexobj(coefficients):
        worth = max(PANELS_OF_ROWS * size, points) * TERMS_OF_ROWS <= KEPT
        at_nodes, basis = (_panels if worth else _panels.__wrapped__)(size, first, every, count, within, length)
        values = (at_nodes[:, :n] @ coefficients).reshape(-1, TERMS_OF_ROWS)
        local = values @ interpolation(TERMS_OF_ROWS).T
        if np.abs(local[:, -2:]).max() <= 4e-15 * np.abs(local[:, 0]).max():
            panels = (local @ basis.T).reshape(len(local), many, -1)
            own = panels[-1, -(count - many * (len(local) - 1)) :]
            return np.concatenate([panels[:-1].reshape(-1, len(offsets)), own])
    rows = first + every * np.arange(count)[:, None]
    return evaluate(coefficients, (rows + offsets) * (2.0 / length) - 1.0)


@lru_cache(maxsize=16)
def _panels(n: int, first: int, every: int, count: int, within: bytes, length: int) -> tuple[Array, Array]:
    """T_j for j < n at the nodes of panels of rows, panel after panel, shape (…, n); and from the series of a panel to
    its points, shape (points, terms)."""
    many, offsets = -(-count // PANELS_OF_ROWS), np.frombuffer(within, dtype=np.int64)
    begins = np.minimum(np.arange(0, count, many), count - many)  # the last panel may overlap the one before
    points = (every * np.arange(many)[:, None] + offsets).ravel()
    middle, half = 0.5 * (points.max() + points.min()), 0.5 * (points.max() - points.min())
    u = (first + every * begins[:, None] + (middle + half * nodes(TERMS_OF_ROWS))).ravel() * (2.0 / length) - 1.0
    at_nodes: Array = np.cos(np.multiply.outer(np.arccos(np.clip(u, -1.0, 1.0)), np.arange(n)))
    return at_nodes, np.polynomial.chebyshev.chebvander((points - middle) / half, TERMS_OF_ROWS - 1)


def trimmed(coefficients: Array, below: float = 1e-18) -> Array:
    """The series (n, m) without trailing rows that are below `below` times the largest coefficient of each column."""
    size = np.abs(coefficients)
    rows = (size > below * size.max(axis=0, initial=0.0)).any(axis=1).nonzero()[0]
    return coefficients[: rows[-1] + 1] if len(rows) else coefficients[:1]

"""Sparse factorisation.

SuperLU, and not LAPACK's band solver: its small blocks make threads wait for each other, for seconds.
"""

from __future__ import annotations

from typing import Any

from twin.errors import SimulationError


def factorise(matrix: Any) -> Any:
    """Sparse LU of a matrix that is symmetric, its pivots on the diagonal.

    Raises
    ------
    SimulationError
        If the matrix is singular.
    """
    from scipy.sparse.linalg import splu

    try:
        return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError as error:
        raise SimulationError(f"the equations of the grid are singular ({error}); check the materials") from error

"""The arithmetic of a block: where the time of an EM iteration goes.

All arrays are wide: a row for each component or feature, a column for each row of the
data, so that maximum, sum and scaling run along contiguous memory.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from gmmem.sources.base import TILE, Workspace

# Below this the exponential gives subnormal numbers, which slow the product.
FLOOR = {np.dtype(np.float64): -700.0, np.dtype(np.float32): -85.0}

# Where the largest exponent may be, so that logarithms keep their digits; how far below it
# a row still shares no exponential with the floor.
CEILING = {np.dtype(np.float64): 300.0, np.dtype(np.float32): 40.0}
DEPTH = {np.dtype(np.float64): 650.0, np.dtype(np.float32): 60.0}

# OpenBLAS has a way without copies for small products, measured 1.2 to 2.7 times as fast
# where one side is narrow.  It takes those of up to a million multiplications and, where
# it sums over the long side, up to a thousand results; longer ones are cut into tiles.
SMALL_PRODUCT, SMALL_RESULT = 1_000_000, 1024

# A responsibility below this share of its component's largest in the block moves none of
# the component's sums, even where it is a thousandth of the data's width.
NEGLIGIBLE = {np.dtype(np.float64): 1e-28, np.dtype(np.float32): 1e-14}

# From so many components and features on, sums leave out what is negligible where the
# share that counts is at most this (measured: half to a third of the time).
FEWEST_ROWS, MOST_COUNTED = 32, 0.04

# Columns of a block that tell what most of them are like.
PROBES = 128

# Of those, the share that may lie too deep for a common ceiling: each is computed again.
MOST_FAR = 0.05


def softmax(L: np.ndarray, workspace: Workspace) -> tuple[np.ndarray, np.ndarray]:
    """Exponentiate L in place up to a factor a column; return (log-sums, 1 / sums)."""
    peak = workspace.take("peak", L.shape[1:], L.dtype)
    np.max(L, axis=0, out=peak)
    np.subtract(L, peak, out=L)
    np.maximum(L, FLOOR[L.dtype], out=L)
    np.exp(L, out=L)
    total = np.sum(L, axis=0, out=workspace.take("total", L.shape[1:], L.dtype))
    log_sum = np.log(total, out=workspace.take("log_sum", L.shape[1:], L.dtype))
    np.add(log_sum, peak, out=log_sum)
    return log_sum, np.divide(1, total, out=total)


def exponentiate_below_ceiling(L: np.ndarray, workspace: Workspace) -> float:
    """Exponentiate in place what does not exceed the ceiling; return the least exact sum."""
    ceiling = CEILING[L.dtype]
    floor = ceiling + FLOOR[L.dtype]
    if L.min() < floor:
        # A row of the same number: a scalar takes NumPy twice the time.
        least = workspace.take("floor", L.shape[1:], L.dtype)
        least[:] = floor
        np.maximum(L, least, out=L)
    np.exp(L, out=L)
    return math.exp(ceiling - DEPTH[L.dtype])


def softmax_below_ceiling(
    L: np.ndarray, workspace: Workspace, columns: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """`softmax` of what is known not to exceed the ceiling: half of its work.

    No column needs its own maximum, but those that lie far below: they are computed
    anew, from ``columns(indices)``.
    """
    shape, least = L.shape[1:], exponentiate_below_ceiling(L, workspace)
    total = workspace.take("total", shape, L.dtype)
    np.matmul(np.ones(len(L), L.dtype), L, out=total)
    log_sum = workspace.take("log_sum", shape, L.dtype)
    if total.min() >= least:
        return np.log(total, out=log_sum), np.divide(1, total, out=total)
    far = np.flatnonzero(~(total >= least))
    total[far] = 1
    np.log(total, out=log_sum)
    np.divide(1, total, out=total)
    part = columns(far)
    log_sum[far], total[far] = softmax(part, Workspace())
    L[:, far] = part
    return log_sum, total


def above_ceiling(L: np.ndarray) -> float | None:
    """By how much the largest of L exceeds the ceiling; None if many columns lie far below it."""
    top = float(L.max())
    few = L[:, :: -(-L.shape[1] // PROBES)].max(axis=0)
    if np.mean(few < top - DEPTH[L.dtype]) > MOST_FAR:
        return None
    return top - CEILING[L.dtype]


def tiles(A: np.ndarray, width: int) -> np.ndarray:
    """All columns of A but the last few, cut into a stack of narrow arrays (., m, width)."""
    n_tiles = A.shape[1] // width
    return A[:, : n_tiles * width].reshape(len(A), n_tiles, width).transpose(1, 0, 2)


def joint(T: np.ndarray, Phi: np.ndarray, out: np.ndarray) -> np.ndarray:
    """``T @ Phi``."""
    b = Phi.shape[1]
    most = min(SMALL_PRODUCT // T.size, TILE)
    width = b // -(-b // most) // 8 * 8 if most else 0
    if not 0 < width <= b // 2:
        return np.matmul(T, Phi, out=out)
    np.matmul(T, tiles(Phi, width), out=tiles(out, width))
    rest = b - b % width
    if rest < b:
        np.matmul(T, Phi[:, rest:], out=out[:, rest:])
    return out


def joint_of_rows(T: np.ndarray, Z: np.ndarray, out: np.ndarray) -> np.ndarray:
    """``Z @ T.T`` of rows as they lie."""
    b, wide = len(Z), np.ascontiguousarray(T.T)
    length = min(SMALL_PRODUCT // T.size // 8 * 8, TILE)
    if not 0 < length <= b // 2:
        return np.matmul(Z, wide, out=out)
    rest = b - b % length
    np.matmul(
        Z[:rest].reshape(-1, length, Z.shape[1]),
        wide,
        out=out[:rest].reshape(-1, length, len(T)),
    )
    np.matmul(Z[rest:], wide, out=out[rest:])
    return out


def statistics(
    R: np.ndarray, scale: np.ndarray, Phi: np.ndarray, workspace: Workspace
) -> np.ndarray:
    """``(R * scale) @ Phi.T``, in float64; overwrites R or Phi."""
    K, p = len(R), len(Phi)
    many = K >= FEWEST_ROWS and p >= FEWEST_ROWS
    narrow = R if many or K <= p else Phi
    np.multiply(narrow, scale, out=narrow)
    if narrow is Phi:
        workspace.content = None
    sparse = mostly_zero(R, workspace) if many else None
    if sparse is not None:
        return (sparse @ Phi.T).astype(np.float64, copy=False)
    return summed(R, Phi)


def summed(R: np.ndarray, Phi: np.ndarray) -> np.ndarray:
    """``R @ Phi.T``, in float64, by small products: most of them in one call."""
    (K, b), p = R.shape, len(Phi)
    most, length = SMALL_RESULT // K, b // -(-b // TILE) // 8 * 8
    width = p if p <= most else p // -(-p // max(most, 1)) // 8 * 8
    small = p <= most and R.size * p <= SMALL_PRODUCT
    if small or not (most and width and length):
        return (R @ Phi.T).astype(np.float64, copy=False)
    S, R_tiles, Phi_tiles = np.empty((K, p)), tiles(R, length), tiles(Phi, length)
    rest, across = b - b % length, p - p % width
    stack = Phi_tiles[:, :across].reshape(-1, across // width, width, length)
    sums = (R_tiles[:, None] @ stack.transpose(0, 1, 3, 2)).sum(axis=0, dtype=np.float64)
    S[:, :across] = sums.transpose(1, 0, 2).reshape(K, across)
    if across < p:
        last = R_tiles @ Phi_tiles[:, across:].transpose(0, 2, 1)
        S[:, across:] = last.sum(axis=0, dtype=np.float64)
    if rest < b:
        S += R[:, rest:] @ Phi[:, rest:].T
    return S


def mostly_zero(R: np.ndarray, workspace: Workspace) -> csr_array | None:
    """R without what is negligible, if that is nearly everything."""
    K, b = R.shape
    few = R[:, :: -(-b // PROBES)]
    if np.count_nonzero(few > NEGLIGIBLE[R.dtype] * few.max()) > 2 * MOST_COUNTED * few.size:
        return None
    least = NEGLIGIBLE[R.dtype] * R.max(axis=1, keepdims=True)
    counted = np.greater(R, least, out=workspace.take("counted", R.shape, np.bool_))
    if np.count_nonzero(counted) > MOST_COUNTED * R.size:
        return None
    places = np.flatnonzero(counted)
    starts = np.searchsorted(places, b * np.arange(K + 1))
    return csr_array((R.ravel()[places], places % b, starts), shape=R.shape)


def weighted_total(values: np.ndarray, weight: np.ndarray | None) -> Any:
    """Sum of the values (..., b) times the row weights, in float64."""
    if weight is None:
        total = values.sum(axis=-1, dtype=np.float64)
    else:
        total = values.astype(np.float64, copy=False) @ weight
    return total if total.ndim else float(total)

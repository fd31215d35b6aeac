"""Moments of a block about a centre for each component, as they are defined."""

import numpy as np

from gmmem.forms import Quadratic
from gmmem.sources.base import Block, Workspace

# A responsibility below this share of its component's largest in a block cannot move any
# sum, even of a component of scale 1e-8 of the data: most are, where features are many.
FAINT = {np.dtype(np.float64): 1e-40, np.dtype(np.float32): 1e-20}

# Labels that 16 bits hold.
MOST_SMALL = np.iinfo(np.int16).max


def sums_about(
    Xt: np.ndarray,
    R: np.ndarray,
    centres: np.ndarray,
    form: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mass, first and second moments of one block about a centre for each component.

    Xt (d, b) and R (K, b) in the precision of the arithmetic; the sums in float64.
    """
    K, d = centres.shape
    mass, first = R.sum(axis=1, dtype=np.float64), np.zeros((K, d))
    second = np.zeros((1 if pooled else K, *form.shape(d)))
    for k, r in enumerate(R):
        rows, counted = Xt, np.flatnonzero(r > FAINT[r.dtype] * r.max())
        if len(counted) < len(r) // 2:
            r, rows = r[counted], np.take(Xt, counted, axis=1)
        Z = workspace.take("Z", (d, len(r)), r.dtype)
        np.subtract(rows, centres[k].astype(r.dtype)[:, None], out=Z)
        first[k] = Z @ r
        scratch = workspace.take("A", Z.shape, r.dtype)
        second[0 if pooled else k] += form.scatter(Z, r, scratch)
    return mass, first, second


def sums_of_groups(
    X: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray | None,
    centres: np.ndarray,
    form: Quadratic,
    pooled: bool,
    workspace: Workspace,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same where row i belongs to component ``labels[i]`` alone."""
    (K, d), r = centres.shape, np.ones(len(X)) if weight is None else weight
    mass, first = np.bincount(labels, weights=r, minlength=K), np.zeros((K, d))
    second = np.zeros((1 if pooled else K, *form.shape(d)))
    # Small integers are sorted by their digits, several times as fast.
    small = labels.astype(np.int16) if K <= MOST_SMALL else labels
    order = np.argsort(small, kind="stable")
    rows, r = np.take(X, order, axis=0), np.take(r, order)
    sizes = np.bincount(labels, minlength=K)
    stops = np.cumsum(sizes)
    for k in np.flatnonzero(sizes):
        group = slice(stops[k] - sizes[k], stops[k])
        Z = np.subtract(rows[group].T, centres[k][:, None])
        first[k] = Z @ r[group]
        scratch = workspace.take("A", Z.shape)
        second[0 if pooled else k] += form.scatter(Z, r[group], scratch)
    return mass, first, second


def transposed(
    block: Block, centre: np.ndarray | None, dtype: np.dtype, workspace: Workspace
) -> np.ndarray:
    """A one, then the features along the rows, about a centre: (1 + d, b)."""
    b, d = block.X.shape
    Z = workspace.take("Xt", (1 + d, b), dtype)
    Z[0] = 1
    if centre is None:
        np.copyto(Z[1:], block.X.T)
    else:
        block.about(centre, Z[1:])
    return Z

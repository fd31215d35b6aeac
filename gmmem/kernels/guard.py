"""Which kernel scores the rows by some components: the cheapest that is accurate for them.

*Expansion* (`gmmem.kernels.expanded`; `gmmem.kernels.linear` where only 1 and x are left) is
fast, but the quadratic form is expanded, and errs by about eps (R/s)^2 where R is the reach of the
data about the centre and s the scale of a component.  *Whitening* (`gmmem.kernels.whitened`) errs
by eps |x - mu_k| / s only; where no component is small, `gmmem.kernels.slabs` does it for all
components at once.
"""

import math

import numpy as np

from gmmem.kernels.base import Components, Kernel
from gmmem.kernels.expanded import ExpandedKernel
from gmmem.kernels.linear import LinearKernel
from gmmem.kernels.slabs import SlabKernel
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.sources.base import FLOAT64

# How many quadratic terms pay, against whitening: a product with few components is slow,
# and writing the terms is shared by all of them.  Where components lie apart, whitening's
# sums leave out most (measured by benchmarks/crossover.py).
BY_SQUARE, MOST_TERMS = 34, 2500
WHERE_APART, PER_COMPONENT_APART = 100, 30

# From so many features on, and for so many more a component, rows of which 1 and x are all
# that counts are taken as they lie (measured: a third to a half of the time less).
LEAST_LONG, LONGER_PER_COMPONENT = 20, 0.25

# Half of a squared distance, in standard deviations, at which components are out of question
# for each other's rows.
APART = 90.0

# What the expanded form may cost in nats.
TOLERANCE = {np.dtype(np.float64): 1e-8, np.dtype(np.float32): 1e-3}

# The largest bound on the expanded form's terms at which it keeps to that.
REACH = {dtype: tolerance / float(np.finfo(dtype).eps) for dtype, tolerance in TOLERANCE.items()}

# The same for whitening in float32, which errs by the root of that bound.
WHITENED_REACH = (REACH[np.dtype(np.float32)] / 10) ** 2

# What may be squared.
LARGEST = {dtype: math.sqrt(float(np.finfo(dtype).max)) / 1e3 for dtype in TOLERANCE}


def expanded_error(components: Components, centre: np.ndarray, extent: np.ndarray) -> float:
    """Bound, up to the unit roundoff, on what expanding the quadratic form costs."""
    reach = _reach(components, centre, extent).max()
    return float(reach) if np.isfinite(reach) else np.inf


def need_differences(components: Components, centre: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Which covariances are too small for expansion, even in float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        return ~(_reach(components, centre, extent) <= REACH[FLOAT64])


def _reach(components: Components, centre: np.ndarray, extent: np.ndarray) -> np.ndarray:
    # Rows to score may all lie to one side of the means.
    extent = np.maximum(extent, np.abs(components.means - centre).max(axis=0))
    return components.covariances.bound(extent)


def expansion_pays(components: Components) -> bool:
    """Whether quadratic terms cost less than whitening."""
    (K, d), storage = components.means.shape, components.covariances
    size = storage.form.size(d)
    if storage.shared or size <= d:
        return True
    if size > min(BY_SQUARE * K * K, MOST_TERMS):
        return False
    return size <= WHERE_APART + PER_COMPONENT_APART * K or not apart(components)


def rows_as_they_lie(components: Components) -> bool:
    """Whether to transpose rows takes longer than what else is done with 1 and x alone."""
    K, d = components.means.shape
    return components.covariances.shared and d >= LEAST_LONG + LONGER_PER_COMPONENT * K


def apart(components: Components) -> bool:
    """Whether most components lie out of reach of each other's rows."""
    squares, means = [], components.means
    out = np.empty(means.T.shape)
    for k, mean in enumerate(means):
        Y = components.covariances.whiten(k, np.ascontiguousarray((means - mean).T), out)
        squares.append(np.einsum("jk,jk->k", Y, Y))
    return bool(np.mean(np.array(squares) / 2 > APART) > 0.5)


def choose(
    components: Components,
    centre: np.ndarray,
    extent: np.ndarray,
    dtype: np.dtype,
    complete: bool = True,
    tolerance: float = 1.0,
) -> Kernel:
    """The cheapest kernel that is accurate for these components.

    Parameters
    ----------
    components : Components
    centre, extent : ndarray of shape (n_features,)
        The rows lie within `extent` of the centre, in every feature.
    dtype : dtype
        The narrowest to compute in.
    complete : bool, default=True
        Whether the shares of every row sum to one.
    tolerance : float, default=1
        What expansion may cost, as a share of `TOLERANCE`.
    """
    storage = components.covariances
    with np.errstate(over="ignore", invalid="ignore"):
        few = expansion_pays(components)
        error = expanded_error(components, centre, extent) / tolerance
        # Of a precision, the largest number is on its diagonal.
        widest, narrowest = extent.max(), storage.precisions.max()
    for candidate in (np.dtype(dtype), FLOAT64):
        # Squares of the data and the precisions must be neither too large nor too small.
        if widest >= LARGEST[candidate] or narrowest >= LARGEST[candidate] ** 2:
            continue
        if few and error <= REACH[candidate]:
            linear = complete and rows_as_they_lie(components)
            kind = LinearKernel if linear else ExpandedKernel
            return kind.of(components, centre, extent, candidate, complete)
        if not few and error <= REACH[candidate]:
            return SlabKernel(components, centre, candidate)
        if not few and candidate != FLOAT64 and error <= WHITENED_REACH:
            return WhitenedKernel(components, centre, candidate)
    return WhitenedKernel(components, centre)

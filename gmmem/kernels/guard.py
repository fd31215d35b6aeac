"""The kernels of a pass over the rows, and the guard that chooses the E-step's.

*Features* (`gmmem.kernels.expanded`) are fast, but the quadratic form is expanded, and errs by
about eps (R/s)^2 where R is the reach of the data about the centre and s the scale of a
component.  *Whitening* (`gmmem.kernels.whitened`) errs by eps |x - mu_k| / s only; where no
component
is small, `gmmem.kernels.slabs` does it for all components at once.

A kernel is called with a block and a workspace; it returns sums, which add over blocks.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmem.forms import Quadratic
from gmmem.kernels.expanded import FeatureKernel
from gmmem.kernels.slabs import StackedKernel
from gmmem.kernels.whitened import WhitenedKernel, sums_about, sums_of_groups, transposed
from gmmem.mixture import Mixture
from gmmem.sources.base import FLOAT64, Block, Frame, Workspace

# How many quadratic features pay, against whitening: a product with few components is slow,
# and writing the features is shared by all of them.  Where components lie apart, whitening's
# sums leave out most (measured by benchmarks/crossover.py).
PER_COMPONENT, MOST_FEATURES = 50, 2500
WHERE_APART, PER_COMPONENT_APART = 130, 13

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

Kernel = FeatureKernel | WhitenedKernel


def expanded_error(mixture: Mixture, frame: Frame) -> float:
    """Bound, up to the unit roundoff, on what expanding the quadratic form costs."""
    storage = mixture.covariances
    # Rows to predict may all lie to one side of the means.
    extent = np.maximum(frame.extent, np.abs(mixture.means - frame.centre).max(axis=0))
    reach = storage.form.reach(storage.precisions, extent).max()
    return float(reach) if np.isfinite(reach) else np.inf


def features_pay(mixture: Mixture) -> bool:
    """Whether features cost less than whitening."""
    (K, d), storage = mixture.means.shape, mixture.covariances
    size = storage.form.size(d)
    if len(storage.factors) == 1 or size <= d:
        return True
    if size > min(PER_COMPONENT * K, MOST_FEATURES):
        return False
    return size <= WHERE_APART + PER_COMPONENT_APART * K or not apart(mixture)


def apart(mixture: Mixture) -> bool:
    """Whether most components lie out of reach of each other's rows."""
    squares, out = [], np.empty(mixture.means.T.shape)
    for k, mean in enumerate(mixture.means):
        Y = mixture.covariances.whiten(k, np.ascontiguousarray((mixture.means - mean).T), out)
        squares.append(np.einsum("jk,jk->k", Y, Y))
    return bool(np.mean(np.array(squares) / 2 > APART) > 0.5)


def choose(mixture: Mixture, frame: Frame, dtype: np.dtype) -> Kernel:
    """The cheapest kernel that is accurate for this mixture on these rows."""
    storage = mixture.covariances
    with np.errstate(over="ignore", invalid="ignore"):
        few = features_pay(mixture)
        error = expanded_error(mixture, frame)
        widest, narrowest = frame.extent.max(), np.abs(storage.precisions).max()
    for candidate in (np.dtype(dtype), FLOAT64):
        # Squares of the data and the precisions must be neither too large nor too small.
        if widest >= LARGEST[candidate] or narrowest >= LARGEST[candidate] ** 2:
            continue
        if few and error <= REACH[candidate]:
            return FeatureKernel.of(mixture, frame, candidate)
        if not few and error <= REACH[candidate]:
            return StackedKernel(mixture, frame, candidate)
        if not few and candidate != FLOAT64 and error <= WHITENED_REACH:
            return WhitenedKernel(mixture, frame, candidate)
    return WhitenedKernel(mixture, frame)


# --- before there is a mixture -------------------------------------------------


@dataclass(frozen=True)
class LocateKernel:
    """Total weight, weighted sum, and the smallest and largest value a feature."""

    n_features: int

    @property
    def row_bytes(self) -> int:
        return 16 * self.n_features

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        Z = workspace.take("Z", (self.n_features, len(block.X)))
        np.copyto(Z, block.X.T)
        if block.weight is None:
            weight, first = float(len(block.X)), Z.sum(axis=1)
        else:
            weight, first = float(block.weight.sum()), Z @ block.weight
        return weight, first, Z.min(axis=1), Z.max(axis=1)


@dataclass(frozen=True, eq=False)
class AssignedKernel:
    """Moments of rows whose responsibilities are given: an E-step without a mixture.

    ``assign(block, workspace)`` gives responsibilities (K, b), or labels (b,).
    """

    assign: Callable[[Block, Workspace], np.ndarray]
    centres: np.ndarray
    form: Quadratic
    pooled: bool

    @property
    def row_bytes(self) -> int:
        # One is a responsibility; labels need none, to find the nearest centre takes more.
        numbers = getattr(self.assign, "numbers_a_component", 1)
        return 8 * (numbers * len(self.centres) + 4 * self.centres.shape[1] + 4)

    def __call__(self, block: Block, workspace: Workspace) -> tuple[Any, ...]:
        answer = self.assign(block, workspace)
        about = self.centres, self.form, self.pooled, workspace
        X = block.X.astype(FLOAT64, copy=False)
        if answer.ndim == 1:
            return sums_of_groups(X, answer, block.weight, *about)
        R = answer if block.weight is None else answer * block.weight
        return sums_about(transposed(X, None, FLOAT64, workspace)[1:], R, *about)

"""Expectation maximisation: one loop for every model and every source of rows.

    expect:    rows, mixture   ->  log-likelihood, moments      (the only pass)
    maximise:  moments, model  ->  mixture                      (knows no rows)

`iterate` is a generator of states; `fit` is that generator with a stopping
rule.  Nothing here warns or prints: a fit returns a `Solution` with a status.

Examples
--------
Step through EM by hand:

>>> from itertools import islice
>>> from gmmem import Mixture, em
>>> from gmmem.datasets import load_old_faithful
>>> from gmmem.sources import InMemory
>>> rows = InMemory(load_old_faithful())
>>> start = Mixture.from_arrays([0.5, 0.5], [[2, 80], [4, 60]], [[[1, 0], [0, 99]]] * 2)
>>> for state in islice(em.iterate(start, rows), 3):
...     print(state.iteration, round(state.log_likelihood, 1))
0 -1800.6
1 -1287.6
2 -1287.2
"""

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gmmem.covariances import (
    EEE,
    EEI,
    EII,
    VII,
    VVI,
    VVV,
    CovarianceModel,
    DegenerateCovariance,
    get_model,
)
from gmmem.covariances.base import checked_estimate
from gmmem.forms import Quadratic
from gmmem.kernels import guard as kernels
from gmmem.kernels.guard import Kernel
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.mixture import Mixture
from gmmem.moments import LOST, Moments
from gmmem.sources.base import Frame
from gmmem.survey import Rows, survey, with_spread


class State(NamedTuple):
    """One iteration of EM."""

    iteration: int
    log_likelihood: float
    """Of `mixture`, total over the rows times their weights."""
    mixture: Mixture
    update: Mixture
    """The mixture after this iteration's M-step."""
    settled: bool = True
    """False if the M-step's inner iteration, where it has one, did not converge."""


class Update(NamedTuple):
    """What an M-step gives."""

    mixture: Mixture
    settled: bool


class Status(enum.Enum):
    """How a fit ended, as a sentence for a human."""

    CONVERGED = "The log-likelihood rose by less than tol."
    MAX_ITER = "max_iter iterations were done before the log-likelihood settled."
    DEGENERATE = "A covariance became singular."


@dataclass(frozen=True, eq=False)
class Solution:
    """What a fit found.

    Parameters
    ----------
    mixture : Mixture
    status : Status
    history : list of float
        Log-likelihood per unit of row weight before each M-step.
    failure : DegenerateCovariance or None
        What stopped a degenerate fit.
    """

    mixture: Mixture
    status: Status
    history: list[float]
    failure: DegenerateCovariance | None = None
    settled: bool = True


# A standard deviation below this share of the mean is rounding error.
RESOLUTION = 8 * np.finfo(np.float64).eps


def default_model(mixture: Mixture) -> CovarianceModel:
    """The model that ties nothing but what the mixture's own storage shares."""
    storage = mixture.covariances
    shared = len(storage.factors) < mixture.n_components
    for model in (EEE(), VVV(), EEI(), VVI(), EII(), VII()):
        if isinstance(storage, model.storage) and model.shared == shared:
            return model
    raise ValueError(f"No model is known for covariances of the kind {type(storage).__name__}.")


def expect(mixture: Mixture, rows: Rows, frame: Frame) -> tuple[float, Moments]:
    """E-step: log-likelihood of the rows and their expected moments."""
    kernel = kernels.choose(mixture, frame, rows.precision)
    return kernel.moments(rows.fold(kernel))


def maximise(
    moments: Moments,
    model: CovarianceModel,
    reg_covar: float = 0.0,
    previous: Mixture | None = None,
) -> Update:
    """M-step: the mixture that maximises the expected log-likelihood.

    `reg_covar` is added to the scatter as ``mass * reg_covar * I``, so that every
    model keeps its structure.  A component that has lost all its rows keeps the
    mean and covariance of `previous`, at weight zero.

    Raises
    ------
    DegenerateCovariance
        If a covariance is singular or narrower than float64 resolves at its mean.
    """
    total, lost = moments.mass.sum(), moments.empty
    some_lost = bool(lost.any())
    if some_lost:
        mass = np.where(lost, LOST * total, moments.mass)
        moments = replace(moments, mass=mass, first=np.where(lost[:, None], 0, moments.first))
    means, scatter, form = moments.means, moments.scatter, moments.form
    mass, weights = moments.mass, moments.mass / total
    if some_lost:
        weights = np.where(lost, 0, weights)
        weights = weights / weights.sum()
        if previous is None:
            raise DegenerateCovariance(int(np.argmax(lost)), "has no rows to be estimated from")
        means = np.where(lost[:, None], previous.means, means)
        if len(scatter) == len(mass):
            old = previous.covariances.covariances
            scatter[lost] = LOST * total * np.broadcast_to(old, scatter.shape)[lost]
    if reg_covar > 0:
        shares = np.where(lost, 0, mass)  # What is lost is not to grow either.
        if len(scatter) < len(mass):
            shares = shares.sum(keepdims=True)
        scatter = scatter + reg_covar * np.multiply.outer(shares, form.identity(means.shape[1]))
    last = None if previous is None else previous.covariances.covariances
    values, settled = checked_estimate(model, scatter, mass, means.shape[1], last)
    storage = model.storage.from_covariances(values, means.shape[1])
    resolution = RESOLUTION * np.abs(means)
    narrow = np.sqrt(storage.variances) <= resolution
    if narrow.any():
        component = int(np.argmax(narrow.any(axis=1)))
        raise DegenerateCovariance(
            component, "has shrunk to a point, narrower than float64 resolves"
        )
    return Update(Mixture(weights, means, storage), settled)


def _step(
    kernel: Kernel, rows: Rows, frame: Frame, model: CovarianceModel, reg_covar: float
) -> tuple[float, Update, Kernel]:
    """One E-step and one M-step, with differences taken first where that is needed.

    Returns the kernel of the next step too.
    """
    log_likelihood, moments = kernel.moments(rows.fold(kernel))
    try:
        update = maximise(moments, model, reg_covar, kernel.mixture)
        following = kernels.choose(update.mixture, frame, rows.precision)
        if kernel.exact or not following.exact:
            return log_likelihood, update, following
    except DegenerateCovariance:
        if kernel.exact:
            raise
    # The new covariances are too small for moments taken about a common centre.
    kernel = WhitenedKernel(kernel.mixture, frame)
    log_likelihood, moments = kernel.moments(rows.fold(kernel))
    update = maximise(moments, model, reg_covar, kernel.mixture)
    return log_likelihood, update, kernels.choose(update.mixture, frame, rows.precision)


def iterate(
    start: Mixture,
    rows: Rows,
    model: CovarianceModel | str | None = None,
    *,
    reg_covar: float = 0.0,
) -> Iterator[State]:
    """Generate the states of EM, for ever.

    Parameters
    ----------
    start : Mixture
    rows : Rows
        For instance ``gmmem.sources.InMemory(X)``.
    model : str or CovarianceModel, optional
        By default the one that ties only what `start` shares.
    reg_covar : float, default=0
        Added to the diagonal of every covariance.

    Yields
    ------
    state : State

    Raises
    ------
    DegenerateCovariance
        When an M-step gives a singular covariance.
    """
    model = default_model(start) if model is None else get_model(model)
    if not reg_covar >= 0:
        raise ValueError(f"reg_covar={reg_covar} must be at least 0.")
    stored = 1 if model.shared else start.n_components
    if model.storage is not type(start.covariances) or len(start.covariances.factors) != stored:
        raise ValueError(f"start has covariances of another kind than the model {model.name}.")
    if start.n_features != rows.n_features:
        raise ValueError(f"start has {start.n_features} features, the rows {rows.n_features}.")
    frame = survey(rows)
    if stored == 1:
        frame = with_spread(frame, rows, model.storage.form)
    mixture, iteration = start, 0
    kernel = kernels.choose(mixture, frame, rows.precision)
    while True:
        log_likelihood, (update, settled), kernel = _step(kernel, rows, frame, model, reg_covar)
        yield State(iteration, log_likelihood, mixture, update, settled)
        mixture, iteration = update, iteration + 1


def converge(
    states: Iterable[State],
    total_weight: float,
    *,
    tol: float,
    max_iter: int,
    previous: float = -np.inf,
) -> Solution:
    """Read states until the mean log-likelihood changes by less than `tol`.

    `previous` is what the first one is compared with.
    """
    history: list[float] = []
    state, status, failure = None, Status.MAX_ITER, None
    try:
        for state in states:
            history.append(state.log_likelihood / total_weight)
            if abs(history[-1] - previous) < tol:
                status = Status.CONVERGED
                break
            if len(history) == max_iter:
                break
            previous = history[-1]
    except DegenerateCovariance as error:
        status, failure = Status.DEGENERATE, error
    if state is None:
        raise failure or ValueError("There was no state to read.")
    return Solution(state.update, status, history, failure, state.settled)


def fit(
    start: Mixture,
    rows: Rows,
    model: CovarianceModel | str | None = None,
    *,
    tol: float = 1e-3,
    max_iter: int = 100,
    reg_covar: float = 0.0,
    previous: float = -np.inf,
    watch: Callable[[Iterator[State]], Iterable[State]] = iter,
) -> Solution:
    """Run EM from `start` until the mean log-likelihood gains less than `tol`.

    Parameters
    ----------
    start, rows, model, reg_covar
        As for `iterate`.
    tol : float, default=1e-3
        In nats per unit of row weight.
    max_iter : int, default=100
    previous : float, default=-inf
        Mean log-likelihood that the first state is compared with.
    watch : callable, default=iter
        Takes the states and passes them on: a progress bar, a recorder.

    Returns
    -------
    solution : Solution
    """
    if max_iter < 1:
        raise ValueError(f"max_iter={max_iter} must be at least 1.")
    states = watch(iterate(start, rows, model, reg_covar=reg_covar))
    return converge(states, rows.total_weight, tol=tol, max_iter=max_iter, previous=previous)


def start_from(
    rows: Rows,
    assign: Callable,
    n_components: int,
    model: CovarianceModel,
    *,
    reg_covar: float = 0.0,
) -> Mixture:
    """M-step from given responsibilities: how every initialiser becomes a mixture.

    A component without rows gets the covariance of all rows and the weight of one.

    Parameters
    ----------
    rows : Rows
    assign : callable
        ``assign(block, workspace)`` gives responsibilities (n_components, b) or labels (b,).
    n_components : int
    model : CovarianceModel
    reg_covar : float, default=0

    Returns
    -------
    mixture : Mixture
    """
    moments = gather(rows, assign, n_components, model.storage.form, model.shared)
    return maximise(moments, model, reg_covar).mixture


def gather(
    rows: Rows, assign: Callable, n_components: int, form: Quadratic, pooled: bool
) -> Moments:
    """Moments from given responsibilities, as `start_from` takes them.

    They are about the means, or about known centres if these are near enough.

    Every model whose features are no finer can start from the same.
    """
    frame = survey(rows)
    known = np.asarray(getattr(assign, "centres", np.inf), dtype=np.float64)
    if (np.abs(known - frame.centre) <= frame.extent).all():
        moments = _moments_about(known, rows, assign, form, pooled)
        if moments.near_means:
            return moments
    # Two passes: about the means that the first one finds nothing cancels.
    centres = np.repeat(frame.centre[None], n_components, axis=0)
    located = _moments_about(centres, rows, assign, _NOTHING, True)
    empty = located.empty
    centres = frame.centre + located.first / np.where(empty, 1, located.mass)[:, None]
    moments = _moments_about(centres, rows, assign, form, pooled)
    if not empty.any():
        return moments
    of_one = with_spread(frame, rows, form).spread / rows.n_rows
    mass = np.where(empty, frame.total_weight / rows.n_rows, moments.mass)
    times = (empty.sum() if pooled else empty).reshape(-1, *[1] * (moments.second.ndim - 1))
    return replace(moments, mass=mass, second=moments.second + times * of_one)


def _moments_about(
    centres: np.ndarray, rows: Rows, assign: Callable, form: Quadratic, pooled: bool
) -> Moments:
    kernel = kernels.AssignedKernel(assign, centres, form, pooled)
    mass, first, second = rows.fold(kernel)
    return Moments(mass, centres, first, second, form)


class _Nothing:
    """No quadratic features: for a pass that only locates the means."""

    def shape(self, n_features):
        return ()

    def scatter(self, Z, r, out):
        return 0.0


_NOTHING = _Nothing()

"""Online EM: a running average of the expected moments, one step a batch of rows.

    S <- (1 - g_t) S + g_t S(batch) / weight(batch),        theta = maximise(S)

As moments are a vector space, this is EM with another sum: no second M-step, and every
covariance model, prior and kernel is as it was.  With steps g_t whose sum is infinite and
whose squares' sum is not, it converges to where the expected log-likelihood of a row has no
slope (Cappe and Moulines 2009).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Problem, maximise

# The least share of the weight of a component that gets no rows: it no longer moves any other,
# and still has its place and width, for the rows that may come back.
DORMANT = 1e-8


@dataclass(frozen=True)
class Decreasing:
    """Steps ``(t + offset) ** -exponent``, t = 1, 2, ...: the later, the shorter.

    Parameters
    ----------
    exponent : float, default=0.6
        Above 0.5 and at most 1.  The larger, the longer the first batches are remembered.
    offset : float, default=1
        At least 0; the larger, the shorter the first steps.

    Examples
    --------
    >>> from gmmem.updates import Decreasing
    >>> [round(Decreasing()(t), 3) for t in (1, 10, 1000)]
    [0.66, 0.237, 0.016]
    """

    exponent: float = 0.6
    offset: float = 1.0

    def __post_init__(self):
        if not 0.5 < self.exponent <= 1:
            raise ValueError(
                f"exponent={self.exponent} must be above 0.5, that noise averages out, and at "
                "most 1, that every batch can still move the result."
            )
        if not 0 <= self.offset < np.inf:
            raise ValueError(f"offset={self.offset} must be at least 0 and finite.")

    def __call__(self, t: int) -> float:
        return float((t + self.offset) ** -self.exponent)


class Running(NamedTuple):
    """What a stream leaves behind."""

    moments: Moments
    """Per unit of row weight: masses sum to one."""
    n_steps: int
    doubt: float = 0.0
    """One over the weight of the rows that the average stands for, of which those long ago
    count less: what a prior is weighed against.  Zero for a mixture that is known."""

    def stands_for(self, weight: float) -> float:
        """The weight of rows that the average stands for; `weight` where there are none."""
        return 1 / self.doubt if self.doubt > 0 else weight


class Step(NamedTuple):
    """One batch, and what it led to."""

    running: Running
    mixture: Mixture
    log_likelihood: float
    """Of the batch by the mixture before it, per unit of row weight."""
    settled: bool


def awake(mixture: Mixture) -> Mixture:
    """With every weight large enough that rows of its own bring a component back."""
    if mixture.weights.min() >= DORMANT:
        return mixture
    weights = np.maximum(mixture.weights, DORMANT)
    return Mixture(weights / weights.sum(), mixture.means, mixture.covariances)


def moments_of(mixture: Mixture) -> Moments:
    """The moments that a mixture expects of a row: what the M-step gives it back from."""
    storage, mass = mixture.covariances, np.array(awake(mixture).weights)
    matrices = storage.dense()
    if len(matrices) == len(mass):
        matrices = mass[:, None, None] * matrices
    second = storage.form.of(matrices)
    means = np.array(mixture.means)
    return Moments(mass, means, np.zeros(means.shape), second, storage.form)


def step(running: Running, batch: Problem, mixture: Mixture, size: float) -> Step:
    """Take a batch into account by a step of that size.

    Raises
    ------
    DegenerateCovariance
        If a covariance becomes singular.
    """
    mixture = awake(mixture)
    expectation = batch.expect(mixture)
    weight = batch.extent.total_weight
    doubt = (1 - size) ** 2 * running.doubt + size**2 / weight
    moments = _blended(running.moments, expectation.moments * (1 / weight), size)
    if (
        not expectation.exact
        and batch.kernel(_maximised(moments, doubt, batch, mixture).mixture).exact
    ):
        # The new covariances are too small for moments taken about a common centre.
        expectation = batch.expect_exactly(mixture)
        moments = _blended(running.moments, expectation.moments * (1 / weight), size)
    update = _maximised(moments, doubt, batch, mixture)
    # About the new means, so that the scatters keep their digits.
    moments = moments.about(np.array(update.mixture.means))
    return Step(
        Running(moments, running.n_steps + 1, doubt),
        update.mixture,
        (expectation.objective - batch.prior.penalty(mixture)) / weight,
        update.settled,
    )


def _maximised(moments: Moments, doubt: float, batch: Problem, mixture: Mixture):
    """The M-step of as many rows as the average stands for: a prior counts in rows."""
    return maximise(moments * (1 / doubt), batch.model, batch.prior, mixture)


def _blended(running: Moments, batch: Moments, size: float) -> Moments:
    """The running average, with dormant components kept from vanishing."""
    return kept_alive((1 - size) * running + size * batch)


def kept_alive(moments: Moments) -> Moments:
    """Components of next to no mass at the least that keeps place and width."""
    least = DORMANT * moments.mass.sum()
    faint = (moments.mass < least) & (moments.mass > 0)
    if not faint.any():
        return moments
    times = np.where(faint, least / np.where(faint, moments.mass, 1), 1)
    second = moments.second
    if len(second) == len(times):
        second = second * times.reshape(-1, *[1] * (second.ndim - 1))
    return replace(
        moments,
        mass=moments.mass * times,
        first=moments.first * times[:, None],
        second=second,
    )


def checked_size(rule: Callable[[int], float] | float, t: int, name: str) -> float:
    """The size of step t, by a rule or constant.

    Raises
    ------
    ValueError
        If it is not above 0 and at most 1.
    """
    size = rule(t) if callable(rule) else rule
    if not 0 < size <= 1:
        raise ValueError(f"{name} must give steps above 0 and at most 1, but step {t} is {size}.")
    return float(size)


def begun(moments: Moments, total_weight: float) -> Running:
    """What a stream goes on from whose first rows had these moments."""
    return Running(kept_alive(moments * (1 / total_weight)), 0, 1 / total_weight)

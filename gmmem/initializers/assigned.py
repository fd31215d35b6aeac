"""Initialisers that place no centres: responsibilities at random, or given."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmem.compat import check_random_state
from gmmem.initializers.base import RandomSoft


@dataclass(frozen=True)
class RandomResponsibilities:
    """Uniform random numbers, normalised in each row (the name "random").

    Every component starts as nearly the whole of the rows, from where EM needs many iterations
    and may stop on the plateau there: give it a small ``tol``.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.initializers import RandomResponsibilities
    >>> X = load_old_faithful()
    >>> means = GaussianMixture(2, init_params="random", max_iter=0, random_state=0).fit(X).means_
    >>> bool(abs(means[0] - means[1]).max() < 0.1 * X.std(axis=0).max())
    True
    """

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        return RandomSoft.of(len(X), n_components, check_random_state(random_state))


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Labels or responsibilities that you have.

    Parameters
    ----------
    assignment : array-like of shape (n_samples,) or (n_samples, n_components)
        Labels 0 to ``n_components - 1``, or responsibilities.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.initializers import GivenLabels
    >>> X = load_old_faithful()
    >>> short = X[:, 0] < 3
    >>> GaussianMixture(2, init_params=GivenLabels(short)).fit(X).means_.round(1)
    array([[ 4.3, 80. ],
           [ 2. , 54.5]])
    """

    assignment: Any

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        return np.asarray(self.assignment)

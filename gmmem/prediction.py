"""What a mixture says of rows, in one pass and in memory that n does not grow.

Only the answer itself is as long as the data.
"""

from typing import Any

import numpy as np

from gmmem.answers import (
    Certainty,
    Counted,
    Cumulative,
    Densities,
    Likelihood,
    MostProbable,
    Observed,
    Responsibilities,
)
from gmmem.covariances import CovarianceModel
from gmmem.covariances.base import n_free
from gmmem.criteria import FitSummary
from gmmem.mixture import Mixture
from gmmem.scoring import Scorer
from gmmem.sources.base import Rows


def _scorer(by: Mixture | Scorer, rows: Rows) -> Scorer:
    return by if isinstance(by, Scorer) else Scorer.of(by, rows.arithmetic)


def log_likelihood(by: Mixture | Scorer, rows: Rows) -> float:
    """Sum of the log-densities times the row weights."""
    return rows.fold(Likelihood(_scorer(by, rows)))[0]


def mean_log_likelihood(by: Mixture | Scorer, rows: Rows) -> float:
    """The same per unit of weight of the rows that have a value."""
    total, nothing = rows.fold(Likelihood(_scorer(by, rows)))
    return total / _weight(rows, nothing)


def likelihood(mixture: Mixture, model: CovarianceModel, rows: Rows) -> FitSummary:
    """What criteria of the likelihood alone look at."""
    n_parameters = n_free(model, *mixture.means.shape)
    total, nothing = rows.fold(Likelihood(_scorer(mixture, rows)))
    n = _weight(rows, nothing)
    return FitSummary(total, n_parameters, n, n_components=mixture.n_components)


def summary(mixture: Mixture, model: CovarianceModel, rows: Rows) -> FitSummary:
    """What every criterion looks at, in one pass; without the one component to compare with."""
    total, nothing, entropy, map_entropy = rows.fold(Certainty(_scorer(mixture, rows)))
    n_parameters, n = n_free(model, *mixture.means.shape), _weight(rows, nothing)
    return FitSummary(total, n_parameters, n, entropy, map_entropy, mixture.n_components)


def observed(by: Mixture | Scorer, rows: Rows) -> np.ndarray:
    """Weight of each component's rows in which a feature is observed, (K, d)."""
    return rows.fold(Observed(_scorer(by, rows)))[0]


def _weight(rows: Rows, nothing: float) -> float:
    """Of the rows that have a value, given that of the others."""
    if nothing == 0:
        return rows.total_weight
    weight = rows.total_weight - nothing
    if not weight > 0:
        raise ValueError("X holds nothing but NaN.")
    return weight


def log_density(by: Mixture | Scorer, rows: Rows) -> Any:
    """Log-density of each row, (n_samples,), in the dtype of the rows."""
    return rows.map(Densities(_scorer(by, rows)), (), rows.dtype)


def responsibilities(by: Mixture | Scorer, rows: Rows) -> Any:
    """Posterior probabilities, (n_samples, n_components), in the dtype of the rows."""
    scorer = _scorer(by, rows)
    shape = (scorer.kernel.components.n_components,)
    return rows.map(Responsibilities(scorer), shape, rows.dtype)


def labels(by: Mixture | Scorer, rows: Rows) -> Any:
    """The most probable component of each row, (n_samples,)."""
    return rows.map(MostProbable(_scorer(by, rows)), (), np.int64)


def sizes(by: Mixture | Scorer, rows: Rows) -> np.ndarray:
    """Weight of the rows that each component is the most probable of, (n_components,)."""
    return rows.fold(Counted(_scorer(by, rows)))[0][:, 0]


def counts(by: Mixture | Scorer, rows: Rows, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """The same by the class of each row, 0 to ``n_classes - 1``, (n_components, n_classes)."""
    return rows.with_columns(**{"class": classes}).fold(Counted(_scorer(by, rows), n_classes))[0]


def cumulative(mixture: Mixture, rows: Rows) -> Any:
    """Probability of values up to each row's, of one feature, (n_samples,)."""
    return rows.map(Cumulative(univariate_arrays(mixture)), (), rows.dtype)


def univariate_arrays(mixture: Mixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and standard deviations of a mixture of one feature, each (K,)."""
    deviations = np.sqrt(mixture.covariances.variances[:, 0])
    means = mixture.means[:, 0]
    return mixture.weights, means, np.broadcast_to(deviations, means.shape)

"""Model selection criteria: pure functions of what a fit says about its data.

All are on scikit-learn's scale: lower is better.  mclust's BIC and ICL are the negatives.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.utils.metadata_routing import MetadataRequest


@dataclass(frozen=True)
class FitSummary:
    """What criteria look at.

    Parameters
    ----------
    log_likelihood : float
        Total over the rows, in nats.
    n_parameters : int
        Free parameters of the mixture.
    n_samples : float
        Number of rows, or the sum of their weights.
    entropy : float
        ``-sum_i sum_k r_ik log r_ik``: 0 where every assignment is certain.
    map_entropy : float
        ``-sum_i log max_k r_ik``: the same by the most probable component alone.
    n_components : int
    log_likelihood_one : float
        Log-likelihood of the same data under one component of the same model.
    """

    log_likelihood: float
    n_parameters: int
    n_samples: float
    entropy: float = math.nan
    map_entropy: float = math.nan
    n_components: int = 0
    log_likelihood_one: float = math.nan


def bic(summary: FitSummary) -> float:
    """Bayesian information criterion (Schwarz 1978): ``-2 L + p log n``."""
    return -2 * summary.log_likelihood + summary.n_parameters * math.log(summary.n_samples)


def aic(summary: FitSummary) -> float:
    """Akaike's information criterion (Akaike 1974): ``-2 L + 2 p``."""
    return -2 * summary.log_likelihood + 2 * summary.n_parameters


def aicc(summary: FitSummary) -> float:
    """AIC corrected for few rows (Hurvich and Tsai 1989); infinite unless n > p + 1."""
    p, n = summary.n_parameters, summary.n_samples
    return aic(summary) + (2 * p * (p + 1) / (n - p - 1) if n > p + 1 else math.inf)


def caic(summary: FitSummary) -> float:
    """Consistent AIC (Bozdogan 1987): ``-2 L + p (log n + 1)``."""
    return bic(summary) + summary.n_parameters


def hqic(summary: FitSummary) -> float:
    """Hannan and Quinn (1979): ``-2 L + 2 p log log n``; n counts as e at least."""
    penalty = 2 * math.log(math.log(max(summary.n_samples, math.e)))
    return -2 * summary.log_likelihood + summary.n_parameters * penalty


def sabic(summary: FitSummary) -> float:
    """Sample size adjusted BIC (Sclove 1987): ``-2 L + p log((n + 2) / 24)``."""
    adjusted = (summary.n_samples + 2) / 24
    return -2 * summary.log_likelihood + summary.n_parameters * math.log(adjusted)


def icl(summary: FitSummary) -> float:
    """Integrated completed likelihood by the MAP classification, as mclust has it.

    ``BIC - 2 sum_i log max_k r_ik`` (Biernacki, Celeux and Govaert 2000).
    """
    return bic(summary) + 2 * summary.map_entropy


def icl_entropy(summary: FitSummary) -> float:
    """Integrated completed likelihood by the entropy: ``BIC + 2 EN``.

    The approximation of Biernacki, Celeux and Govaert (2000), section 3; it counts
    every component's share of a row, `icl` only the largest.
    """
    return bic(summary) + 2 * summary.entropy


def clc(summary: FitSummary) -> float:
    """Classification likelihood criterion (Biernacki and Govaert 1997): ``-2 L + 2 EN``."""
    return -2 * summary.log_likelihood + 2 * summary.entropy


def nec(summary: FitSummary) -> float:
    """Normalised entropy criterion (Biernacki, Celeux and Govaert 1999).

    ``EN / (L_K - L_1)``; 1 for a single component by convention, infinite where K
    components are no more likely than one.
    """
    if summary.n_components == 1:
        return 1.0
    gain = summary.log_likelihood - summary.log_likelihood_one
    return summary.entropy / gain if gain > 0 else math.inf


CRITERIA: dict[str, Callable[[FitSummary], float]] = {
    criterion.__name__: criterion
    for criterion in (bic, aic, aicc, caic, hqic, sabic, icl, icl_entropy, clc, nec)
}


class Scorer:
    """A criterion as a scorer for scikit-learn's searches: the larger the better.

    Parameters
    ----------
    criterion : str
        A name in `CRITERIA`.

    Raises
    ------
    ValueError
        If there is no criterion of that name.

    Examples
    --------
    With scikit-learn's metadata routing, weights are passed on where they are asked for:

    >>> from gmmem.criteria import Scorer
    >>> Scorer("bic").set_score_request(sample_weight=True)
    Scorer('bic')
    """

    def __init__(self, criterion: str):
        if criterion not in CRITERIA:
            raise ValueError(f"criterion={criterion!r} must be one of {list(CRITERIA)}.")
        self.criterion = criterion
        self._request = MetadataRequest(owner=self)
        self._request.score.add_request(param="sample_weight", alias=None)

    def __repr__(self) -> str:
        return f"Scorer({self.criterion!r})"

    def __call__(self, estimator: Any, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """The negative of the criterion of a fitted mixture on X."""
        return -getattr(estimator, self.criterion)(X, sample_weight)

    def set_score_request(self, *, sample_weight: bool | str | None = None) -> "Scorer":
        """Say whether `sample_weight` is wanted, or under which name."""
        self._request.score.add_request(param="sample_weight", alias=sample_weight)
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """What scikit-learn's searches ask."""
        return self._request

"""The criteria as formulas."""

import math
from collections.abc import Callable
from dataclasses import dataclass


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
        K, the number of components.
    log_likelihood_one : float
        Log-likelihood of the same data under one component of the same model.

    See Also
    --------
    gmmem.GaussianMixture.fit_summary : Where it comes from.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, bic
    >>> round(bic(FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272)), 2)
    2322.18
    """

    log_likelihood: float
    n_parameters: int
    n_samples: float
    entropy: float = math.nan
    map_entropy: float = math.nan
    n_components: int = 0
    log_likelihood_one: float = math.nan


def bic(summary: FitSummary) -> float:
    """Bayesian information criterion (Schwarz 1978): ``-2 L + p log n``.

    An approximation of minus twice the log of the probability of the rows under the model, its
    parameters integrated out; what the prior adds is left out, as it stays bounded as n grows.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters and n.

    Returns
    -------
    bic : float
        In nats: the lower the better.

    References
    ----------
    Schwarz (1978). Estimating the dimension of a model. Annals of Statistics 6, 461-464.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, bic
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272)
    >>> round(bic(fit), 2)
    2322.18
    """
    return -2 * summary.log_likelihood + summary.n_parameters * math.log(summary.n_samples)


def aic(summary: FitSummary) -> float:
    """Akaike's information criterion: ``-2 L + 2 p``.

    Estimates minus twice the expected log-likelihood of new rows.  For mixtures the assumptions
    behind it fail, and it mostly chooses too many components.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters and n.

    Returns
    -------
    aic : float
        In nats: the lower the better.

    References
    ----------
    Akaike (1974). A new look at the statistical model identification. IEEE Transactions on
    Automatic Control 19, 716-723.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, aic
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272)
    >>> round(aic(fit), 2)
    2282.52
    """
    return -2 * summary.log_likelihood + 2 * summary.n_parameters


def aicc(summary: FitSummary) -> float:
    """AIC corrected for few rows: ``AIC + 2 p (p + 1) / (n - p - 1)``.

    Infinite unless n > p + 1.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters and n.

    Returns
    -------
    aicc : float
        In nats: the lower the better.

    References
    ----------
    Hurvich and Tsai (1989). Regression and time series model selection in small samples.
    Biometrika 76, 297-307.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, aicc
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272)
    >>> round(aicc(fit), 2)
    2283.54
    """
    p, n = summary.n_parameters, summary.n_samples
    return aic(summary) + (2 * p * (p + 1) / (n - p - 1) if n > p + 1 else math.inf)


def caic(summary: FitSummary) -> float:
    """Consistent AIC: ``-2 L + p (log n + 1)``.

    The BIC and one more for each parameter.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters and n.

    Returns
    -------
    caic : float
        In nats: the lower the better.

    References
    ----------
    Bozdogan (1987). Model selection and Akaike's information criterion (AIC). Psychometrika
    52, 345-370.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, caic
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272)
    >>> round(caic(fit), 2)
    2333.18
    """
    return bic(summary) + summary.n_parameters


def hqic(summary: FitSummary) -> float:
    """Criterion of Hannan and Quinn: ``-2 L + 2 p log log n``.

    Among the penalties that find the right model as n grows, the smallest.  n counts as e at
    least.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters and n.

    Returns
    -------
    hqic : float
        In nats: the lower the better.

    References
    ----------
    Hannan and Quinn (1979). The determination of the order of an autoregression. Journal of the
    Royal Statistical Society B 41, 190-195.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, hqic
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272)
    >>> round(hqic(fit), 2)
    2298.44
    """
    penalty = 2 * math.log(math.log(max(summary.n_samples, math.e)))
    return -2 * summary.log_likelihood + summary.n_parameters * penalty


def sabic(summary: FitSummary) -> float:
    """Sample size adjusted BIC: ``-2 L + p log((n + 2) / 24)``.

    Below the AIC where n < 176, and a reward for parameters where n < 22.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters and n.

    Returns
    -------
    sabic : float
        In nats: the lower the better.

    References
    ----------
    Sclove (1987). Application of model-selection criteria to some problems in multivariate
    analysis. Psychometrika 52, 333-343.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, sabic
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272)
    >>> round(sabic(fit), 2)
    2287.31
    """
    adjusted = (summary.n_samples + 2) / 24
    return -2 * summary.log_likelihood + summary.n_parameters * math.log(adjusted)


def icl(summary: FitSummary) -> float:
    """Integrated completed likelihood by the MAP classification, as mclust has it.

    ``BIC - 2 sum_i log max_k r_ik``: of two models as likely, the one whose components are apart.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters, n and `map_entropy`.

    Returns
    -------
    icl : float
        In nats: the lower the better.

    References
    ----------
    Biernacki, Celeux and Govaert (2000). Assessing a mixture model for clustering with the
    integrated completed likelihood. IEEE Transactions on Pattern Analysis and Machine
    Intelligence 22, 719-725.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, icl
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272, map_entropy=0.25)
    >>> round(icl(fit), 2)
    2322.68
    """
    return bic(summary) + 2 * summary.map_entropy


def icl_entropy(summary: FitSummary) -> float:
    """Integrated completed likelihood by the entropy: ``BIC + 2 EN``.

    It counts every component's share of a row, `icl` only the largest.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, number of parameters, n and `entropy`.

    Returns
    -------
    icl_entropy : float
        In nats: the lower the better.

    References
    ----------
    Biernacki, Celeux and Govaert (2000). Assessing a mixture model for clustering with the
    integrated completed likelihood. IEEE Transactions on Pattern Analysis and Machine
    Intelligence 22, 719-725, section 3.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, icl_entropy
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272, entropy=0.75)
    >>> round(icl_entropy(fit), 2)
    2323.68
    """
    return bic(summary) + 2 * summary.entropy


def clc(summary: FitSummary) -> float:
    """Classification likelihood criterion: ``-2 L + 2 EN``.

    About minus twice the log-likelihood of rows and labels; nothing is paid for parameters.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood and `entropy`.

    Returns
    -------
    clc : float
        In nats: the lower the better.

    References
    ----------
    Biernacki and Govaert (1997). Using the classification likelihood to choose the number of
    clusters. Computing Science and Statistics 29, 451-457.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, clc
    >>> fit = FitSummary(log_likelihood=-1130.26, n_parameters=11, n_samples=272, entropy=0.75)
    >>> round(clc(fit), 2)
    2262.02
    """
    return -2 * summary.log_likelihood + 2 * summary.entropy


def nec(summary: FitSummary) -> float:
    """Normalised entropy criterion: ``EN / (L_K - L_1)``.

    1 for a single component by convention; infinite where K components are no more likely than
    one.

    Parameters
    ----------
    summary : FitSummary
        Log-likelihood, `entropy`, `n_components` and `log_likelihood_one`.

    Returns
    -------
    nec : float
        A ratio: the lower the better.

    References
    ----------
    Biernacki, Celeux and Govaert (1999). An improvement of the NEC criterion for assessing the
    number of clusters in a mixture model. Pattern Recognition Letters 20, 267-272.

    Examples
    --------
    >>> from gmmem.criteria import FitSummary, nec
    >>> one = -1289.57
    >>> fit = FitSummary(-1130.26, 11, 272, 0.75, n_components=2, log_likelihood_one=one)
    >>> round(nec(fit), 5)
    0.00471
    """
    if summary.n_components == 1:
        return 1.0
    gain = summary.log_likelihood - summary.log_likelihood_one
    return summary.entropy / gain if gain > 0 else math.inf


CRITERIA: dict[str, Callable[[FitSummary], float]] = {
    criterion.__name__: criterion
    for criterion in (bic, aic, aicc, caic, hqic, sabic, icl, icl_entropy, clc, nec)
}

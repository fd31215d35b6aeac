"""Model selection criteria: pure functions of a log-likelihood and its price.

All are on scikit-learn's scale: lower is better (mclust's BIC is the negative).
"""

import math


def bic(log_likelihood: float, n_parameters: int, n_samples: float) -> float:
    """Bayesian information criterion (Schwarz 1978).

    Parameters
    ----------
    log_likelihood : float
        Total over the rows.
    n_parameters : int
    n_samples : float
        Number of rows, or the sum of their weights.

    Returns
    -------
    bic : float
    """
    return -2 * log_likelihood + n_parameters * math.log(n_samples)


def aic(log_likelihood: float, n_parameters: int) -> float:
    """Akaike's information criterion (Akaike 1974); arguments as for `bic`."""
    return -2 * log_likelihood + 2 * n_parameters

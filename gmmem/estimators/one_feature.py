"""What a mixture of one feature has beside: its distribution function, and quantiles."""

import numpy as np

from gmmem import prediction
from gmmem.mixture import Mixture
from gmmem.univariate import quantiles


class OneFeature:
    """The distribution function and its inverse."""

    def cdf(self, X):
        """Distribution function of one feature: the probability of values up to each row's.

        Parameters
        ----------
        X : array-like of shape (n_samples, 1)
            The rows.

        Returns
        -------
        probability : ndarray of shape (n_samples,)
            From 0 to 1.

        Raises
        ------
        ValueError
            If the mixture has more than one feature.

        See Also
        --------
        quantile : The inverse.
        gmmem.displays.DistributionDisplay : Both as pictures, of any feature.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([0.6, 0.4], [[2], [5]], [[[1]], [[2]]])
        >>> model.cdf([[2], [3.5]]).round(3)
        array([0.307, 0.618])
        """
        return prediction.cumulative(self._of_one_feature("cdf"), self._rows(X))

    def quantile(self, q):
        """Quantiles of one feature: the values up to which each probability lies.

        Parameters
        ----------
        q : float or array-like of float
            Probabilities, from 0 to 1.

        Returns
        -------
        x : float or ndarray
            In the shape of `q`: minus infinity for 0, infinity for 1.

        Raises
        ------
        ValueError
            If the mixture has more than one feature, or `q` holds no probabilities.

        See Also
        --------
        cdf : The inverse.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters([0.6, 0.4], [[2], [5]], [[[1]], [[2]]])
        >>> model.quantile([0.025, 0.5, 0.975]).round(2)
        array([0.27, 2.82, 7.17])
        """
        mixture = self._of_one_feature("quantile")
        try:
            p = np.asarray(q)
            p = np.where(p.dtype == np.bool_, np.nan, p).astype(np.float64)
        except (TypeError, ValueError):
            p = np.array(np.nan)
        if not ((p >= 0) & (p <= 1)).all():
            raise ValueError(f"q must hold probabilities, from 0 to 1, not {q!r}.")
        found = quantiles(p.ravel(), *prediction.univariate_arrays(mixture)).reshape(p.shape)
        return float(found) if p.ndim == 0 else found

    def _of_one_feature(self, method: str) -> Mixture:
        """The density, if it has one feature."""
        mixture = self._checked_mixture()
        if mixture.n_features != 1:
            raise ValueError(
                f"{method} is of one feature, and the mixture has {mixture.n_features}: fit one "
                "column, or draw one by gmmem.displays.DistributionDisplay."
            )
        return mixture

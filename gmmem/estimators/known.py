"""A model of known parameters, without a fit."""

import numpy as np

from gmmem import em
from gmmem.covariances import get_model
from gmmem.estimators.given import known_mixture


class FromParameters:
    """For an estimator of `n_components` and `covariance_type`, with `_fitted`."""

    @classmethod
    def from_parameters(
        cls, weights, means, covariances, *, covariance_type="full", **params
    ) -> "FromParameters":
        """A usable model from known parameters, without a fit.

        Parameters
        ----------
        weights : array-like of shape (n_components,)
            Mixing weights.
        means : array-like of shape (n_components, n_features)
            Means.
        covariances : array-like
            In the shape of ``covariances_`` for `covariance_type`.
        covariance_type : str or CovarianceModel, default="full"
            As for the constructor.
        **params
            Other constructor parameters, such as `random_state`.

        Returns
        -------
        model : GaussianMixture
            Ready for `predict`, `score`, `sample` and the like.

        Raises
        ------
        ValueError
            If shapes disagree, weights do not sum to one, or a covariance is not
            positive definite.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> model = GaussianMixture.from_parameters(
        ...     [0.6, 0.4], [[2.0], [5.0]], [1.0, 2.0], covariance_type="spherical")
        >>> model.predict_proba([[3.5]]).round(4)
        array([[0.5472, 0.4528]])
        """
        covariance = get_model(covariance_type)
        mixture = known_mixture(weights, means, covariances, covariance)
        model = cls(mixture.n_components, covariance_type=covariance_type, **params)
        model.n_features_in_ = mixture.n_features
        known = em.Solution(mixture, em.Status.CONVERGED, [])
        vars(model).update(model._fitted(known, covariance, np.dtype(np.float64)))
        return model

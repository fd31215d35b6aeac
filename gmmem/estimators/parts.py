"""Densities of some features, as estimators: marginals and conditionals of a fitted mixture."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gmmem import em
from gmmem.columns import columns, others
from gmmem.covariances import MODELS, CovarianceModel, free_model
from gmmem.mixture import Mixture


class Parts:
    """Fitted mixtures give the densities of some of their features."""

    def marginal(self, features):
        """The density of some features alone.

        Parameters
        ----------
        features : int, str, slice, mask, or sequence of int and str
            Columns that are kept, in the order given; by name where X had names.

        Returns
        -------
        model : GaussianMixture
            Ready for `predict`, `score`, `sample` and the like.  Its `covariance_type` ties no
            more than holds in those features.

        Raises
        ------
        ValueError
            If these are no columns, or none, or one of them twice.

        See Also
        --------
        conditional : The density of the others, where some are known.
        gmmem.Mixture.marginal : The same of a density.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> model.marginal(1).means_.ravel().round(1)
        array([54.5, 80. ])
        """
        density, names = self._density_and_names()
        kept = columns(features, density.n_features, names)
        return self._part(density.marginal(kept), names, kept)

    def conditional(self, features, values):
        """The density of the other features, where some are known.

        Parameters
        ----------
        features : int, str, slice, mask, or sequence of int and str
            Columns that are known; by name where X had names.
        values : float or array-like of shape (n_known,)
            What they are, in the same order.

        Returns
        -------
        model : GaussianMixture
            Of the other features, in their order; ready for `predict`, `score`, `sample` and
            the like.

        Raises
        ------
        ValueError
            If `features` are no columns, or all, or `values` are not one finite number for each.

        See Also
        --------
        GaussianMixtureRegressor : The same for many rows at once.
        marginal : The density of some features, whatever the others are.

        Examples
        --------
        >>> from gmmem import GaussianMixture
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixture(2, random_state=0).fit(X)
        >>> wait = model.conditional(0, 2.0)
        >>> wait.weights_.round(3), wait.means_.ravel().round(1)
        (array([1., 0.]), array([54.2, 67.3]))
        """
        density, names = self._density_and_names()
        known = columns(features, density.n_features, names)
        rest = others(known, density.n_features)
        return self._part(density.conditional(known, values), names, rest)

    def _density_and_names(self) -> tuple[Mixture, np.ndarray | None]:
        check_is_fitted(self)
        return self.mixture_, getattr(self, "feature_names_in_", None)

    def _part(self, density: Mixture, names: np.ndarray | None, kept: np.ndarray):
        from gmmem.estimators.gaussian_mixture import GaussianMixture  # Which has these methods.

        model = _loosened(self.covariance_model_, density)
        name = next(name for name, registered in MODELS.items() if registered == model)
        part = GaussianMixture(
            density.n_components, covariance_type=name, random_state=self.random_state
        )
        if names is not None:
            part.feature_names_in_ = names[kept]
        part.n_features_in_ = density.n_features
        solution = em.Solution(density, em.Status.CONVERGED, [])
        vars(part).update(part._fitted(solution, model, np.asarray(self.means_).dtype))
        return part


def _loosened(model: CovarianceModel, density: Mixture) -> CovarianceModel:
    """A model that ties no more than its storage shares: itself, where it does not."""
    free = [free_model(density.covariances, K) for K in (density.n_components, 1, 2)]
    return model if type(model) in map(type, free) else free[0]

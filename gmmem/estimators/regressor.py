"""`GaussianMixtureRegressor`: regression by conditioning a density."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import validate_data

from gmmem.compat import fit_context
from gmmem.conditioning import Covariances, Deviations, Expected
from gmmem.estimators.conditionals import Conditionals
from gmmem.estimators.joint import CONSTRAINTS, JointDensity, as_columns, side_by_side
from gmmem.estimators.mixture_methods import unchanged_on_failure
from gmmem.estimators.rows import check_weight
from gmmem.incomplete import NothingObserved


class GaussianMixtureRegressor(Conditionals, JointDensity, RegressorMixin, BaseEstimator):
    """Regression by the density of X and y together, given X.

    A Gaussian mixture is fitted to the columns of X and y side by side.  Given a row of X, y
    is again a Gaussian mixture: each component is a linear regression, and weighs as much as
    it is responsible for the row.  So not only a mean is predicted, but a density, which may
    be skewed, wider in some places than in others, or have several modes.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of components: with one it is linear regression.  None leaves that of
        `estimator`, which is 1 by default.
    covariance_type : str, CovarianceModel or None, default=None
        How the components look, as for `GaussianMixture`.  None leaves that of `estimator`,
        which is "full" by default.
    estimator : GaussianMixture, GaussianMixtureIC, BayesianGaussianMixture or None, default=None
        The mixture that is fitted, with parameters of its own; it is copied.  None is
        ``GaussianMixture()``.
    random_state : int, RandomState instance or None, default=None
        Seeds the fit, and `sample_y`.  None leaves that of `estimator`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted mixture of X and y; the columns of y are the last.
    mixture_ : gmmem.Mixture
        Its density.
    n_outputs_ : int
        Number of columns of y.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it had them.

    See Also
    --------
    GaussianMixture.conditional : The density given one row, as an estimator.
    gmmem.displays.ConditionalDisplay : A picture of the densities.

    Notes
    -----
    Components are sought in X and y together: columns are to be in comparable units, as for
    `GaussianMixture`.

    References
    ----------
    Ghahramani and Jordan (1994). Supervised learning from incomplete data via an EM approach.
    Advances in Neural Information Processing Systems 6, 120-127.

    Examples
    --------
    >>> from gmmem import GaussianMixtureRegressor
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
    >>> mean, std = model.predict([[2.0], [4.5]], return_std=True)
    >>> mean.round(1), std.round(1)
    (array([54.2, 81.1]), array([5.6, 5.6]))
    """

    _parameter_constraints: dict = CONSTRAINTS

    def __init__(
        self, n_components=None, *, covariance_type=None, estimator=None, random_state=None
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.estimator = estimator
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = self._allows_nan()
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Fit the density of X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What is known.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What is to be predicted.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        self : GaussianMixtureRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not usable, or the mixture cannot be fitted.
        TypeError
            If `estimator` is no Gaussian mixture of gmmem.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        GaussianMixtureRegressor(n_components=2, random_state=0)
        """
        with unchanged_on_failure(self):
            inner = self._inner()
            X, y = validate_data(
                self,
                X,
                y,
                dtype=[np.float64, np.float32],
                multi_output=True,
                y_numeric=True,
                ensure_all_finite=self._finite(),
                ensure_min_samples=2,
            )
            Y = as_columns(y)
            self._one_output, self.n_outputs_ = np.ndim(y) == 1, Y.shape[1]
            try:
                self.estimator_ = inner.fit(side_by_side(X, Y), sample_weight=sample_weight)
            except NothingObserved as error:
                # Of y nothing is missing: the columns are those of X.
                names = getattr(self, "feature_names_in_", None)
                raise NothingObserved(error.columns, names) from None
        return self

    def predict(self, X, return_std=False, return_cov=False):
        """What is expected of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        return_std : bool, default=False
            Whether to return how far y is from that: the standard deviation of its density.
        return_cov : bool, default=False
            Whether to return the covariance of the outputs in each row.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As y was in `fit`.
        std : ndarray of the same shape
            Only with `return_std`.
        cov : ndarray of shape (n_samples, n_outputs, n_outputs)
            Only with `return_cov`.

        Raises
        ------
        ValueError
            If both are asked for.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> model.predict([[2.0], [4.5]]).round(1)
        array([54.2, 81.1])
        """
        if return_std and return_cov:
            raise ValueError("return_std and return_cov: at most one of them can be True.")
        X, m = self._checked(X), self.n_outputs_
        if return_std:
            found = self._asked(X, Deviations, (2, m))
            return self._shaped(found[:, 0]), self._shaped(found[:, 1])
        if return_cov:
            found = self._asked(X, Covariances, (1 + m, m))
            return self._shaped(found[:, 0]), found[:, 1:]
        return self._shaped(self._asked(X, Expected, (m,)))

    def score(self, X, y, sample_weight=None):
        """R², the share of the variance of y that the means explain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What came of them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1; 0 is as good as the mean of y.

        See Also
        --------
        score_samples : Judges the whole density.

        Examples
        --------
        >>> from gmmem import GaussianMixtureRegressor
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> model = GaussianMixtureRegressor(2, random_state=0).fit(X[:, :1], X[:, 1])
        >>> round(model.score(X[:, :1], X[:, 1]), 2)
        0.83
        """
        predicted = self.predict(X)
        if sample_weight is not None:
            # Of rows that do not count there may be anything.
            sample_weight = check_weight(sample_weight, predicted)
            counted = sample_weight > 0
            y, predicted = np.asarray(y)[counted], predicted[counted]
            sample_weight = sample_weight[counted]
        return r2_score(y, predicted, sample_weight=sample_weight)

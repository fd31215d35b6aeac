"""`GaussianMixtureImputer`: missing entries from what is there of their rows."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import MissingIndicator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from gmmem.compat import StrOptions, check_feature_names_in, fit_context
from gmmem.conditioning import Completed, Conditional, by_pattern
from gmmem.estimators.joint import CONSTRAINTS, JointDensity
from gmmem.estimators.mixture_methods import unchanged_on_failure
from gmmem.estimators.rows import check_weight
from gmmem.sources import InMemory


class GaussianMixtureImputer(JointDensity, TransformerMixin, BaseEstimator):
    """Completes rows by their density given what is there of them.

    A Gaussian mixture is fitted to rows some of whose entries are missing (NaN).  Given the
    entries that are there, those that are missing are again distributed as a Gaussian mixture:
    its mean is put in their place, or a draw.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of components.  None leaves that of `estimator`, which is 1 by default.
    covariance_type : str, CovarianceModel or None, default=None
        How the components look, as for `GaussianMixture`.  None leaves that of `estimator`,
        which is "full" by default.
    estimator : GaussianMixture, GaussianMixtureIC or None, default=None
        The mixture that is fitted, with parameters of its own; it is copied.  None is
        ``GaussianMixture()``.
    strategy : {"mean", "sample"}, default="mean"
        What is put in: "mean", what is expected, has the least squared error; "sample", a draw,
        leaves variances and correlations what they are.
    add_indicator : bool, default=False
        Whether columns follow that say what was missing: for each with a missing entry in `fit`.
    keep_empty_features : bool, default=False
        Whether columns without any entry in `fit` are kept, with 0 for what is missing; else
        they are left out.
    random_state : int, RandomState instance or None, default=None
        Seeds the fit, and draws.  None leaves that of `estimator`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted mixture, of the columns that are not empty.
    mixture_ : gmmem.Mixture
        Its density.
    indicator_ : MissingIndicator or None
        What adds the columns of `add_indicator`.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X had them.

    See Also
    --------
    GaussianMixtureRegressor : Columns that are to be predicted from others.

    Notes
    -----
    Entries are taken to be missing at random: whether one is missing may depend on what is
    there of its row, but not on the entry itself.  Components are sought in all columns
    together: they are to be in comparable units, as for `GaussianMixture`.

    Draws are from the fitted density, as if it were known: they are as uncertain as the rows
    are, but not as the fit is.

    References
    ----------
    Little and Rubin (2019). Statistical Analysis with Missing Data, 3rd edition. Wiley.

    Di Zio, Guarnera and Luzi (2007). Imputation through finite Gaussian mixture models.
    Computational Statistics and Data Analysis 51, 5305-5316.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import GaussianMixtureImputer
    >>> from gmmem.datasets import load_old_faithful
    >>> X = load_old_faithful()
    >>> imputer = GaussianMixtureImputer(2, random_state=0).fit(X)
    >>> imputer.transform([[2.0, np.nan], [np.nan, 85]]).round(1)
    array([[ 2. , 54.2],
           [ 4.4, 85. ]])
    """

    _parameter_constraints: dict = CONSTRAINTS | {
        "strategy": [StrOptions(("mean", "sample"))],
        "add_indicator": ["boolean"],
        "keep_empty_features": ["boolean"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        covariance_type=None,
        estimator=None,
        strategy="mean",
        add_indicator=False,
        keep_empty_features=False,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.estimator = estimator
        self.strategy = strategy
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the density of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, with NaN where an entry is missing.
        y : Ignored
            Present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        self : GaussianMixtureImputer
            The fitted imputer.

        Raises
        ------
        ValueError
            If the data or a parameter is not usable, or the mixture cannot be fitted.
        TypeError
            If `estimator` is no Gaussian mixture of gmmem.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import GaussianMixtureImputer
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> X[::3, 1] = np.nan
        >>> GaussianMixtureImputer(2, random_state=0).fit(X)
        GaussianMixtureImputer(n_components=2, random_state=0)
        """
        with unchanged_on_failure(self):
            inner = self._inner()
            X = self._checked(X, reset=True)
            weight = check_weight(sample_weight, X)
            # A row of weight 0 is as if it were not there, and so are its values.
            counted = X if weight is None else X[weight > 0]
            self._seen = np.flatnonzero(~np.isnan(counted).all(axis=0))
            if not len(self._seen):
                raise ValueError("X has no entry that is not missing: there is nothing to fit.")
            seen = X if len(self._seen) == X.shape[1] else X[:, self._seen]
            self.estimator_ = inner.fit(seen, sample_weight=sample_weight)
            self.indicator_ = None
            if self.add_indicator:
                self.indicator_ = MissingIndicator(error_on_new=False).fit(counted)
        return self

    def transform(self, X):
        """Put something in for what is missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, with NaN where an entry is missing.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features_out)
            The same where there was something, by `strategy` where not.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import GaussianMixtureImputer
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> imputer = GaussianMixtureImputer(2, random_state=0).fit(X)
        >>> imputer.transform([[2.0, np.nan], [np.nan, np.nan]]).round(1)
        array([[ 2. , 54.2],
               [ 3.5, 70.9]])
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        if self.strategy == "sample":
            completed = self._drawn(X, 1, check_random_state(self.estimator_.random_state))[0]
        else:
            completed = self._expected(X)
        if self.indicator_ is None:
            return completed
        return np.hstack([completed, self.indicator_.transform(X).astype(completed.dtype)])

    def impute(self, X, n_imputations=5, random_state=None):
        """Several data sets, each completed by draws: for multiple imputation.

        What is computed from each differs from one to another as much as what is missing makes
        it unsure.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, with NaN where an entry is missing.
        n_imputations : int, default=5
            Number of data sets.
        random_state : int, RandomState instance or None, default=None
            None is that of the fit.

        Returns
        -------
        completed : ndarray of shape (n_imputations, n_samples, n_features_out)
            Without the columns of `add_indicator`.

        Raises
        ------
        ValueError
            If `n_imputations` is no whole number of at least 1.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import GaussianMixtureImputer
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> X[::2, 1] = np.nan
        >>> imputer = GaussianMixtureImputer(2, random_state=0).fit(X[1::2])
        >>> means = imputer.impute(X, 10).mean(axis=1)[:, 1]
        >>> round(float(means.std()), 1)
        0.2
        """
        check_is_fitted(self)
        whole = isinstance(n_imputations, Integral) and not isinstance(n_imputations, bool)
        if not whole or n_imputations < 1:
            raise ValueError(
                f"n_imputations={n_imputations!r} must be a whole number of at least 1."
            )
        own = self.estimator_.random_state
        rng = check_random_state(own if random_state is None else random_state)
        return self._drawn(self._checked(X, reset=False), int(n_imputations), rng)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X; None takes those of `fit`, or numbers them.

        Returns
        -------
        names : ndarray of str
            Those that were kept, then those of `add_indicator`.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import GaussianMixtureImputer
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> X[::3, 1] = np.nan
        >>> GaussianMixtureImputer(add_indicator=True).fit(X).get_feature_names_out()
        array(['x0', 'x1', 'missingindicator_x1'], dtype=object)
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        kept = names[self._kept()]
        if self.indicator_ is None:
            return kept
        return np.concatenate([kept, self.indicator_.get_feature_names_out(names)])

    # --- from rows to rows --------------------------------------------------------

    def _checked(self, X, reset: bool) -> np.ndarray:
        return validate_data(
            self,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
        )

    def _kept(self) -> np.ndarray:
        return np.arange(self.n_features_in_) if self.keep_empty_features else self._seen

    def _gaps(self, X: np.ndarray):
        """For the rows of each pattern: their numbers, what they lack, and that given the rest."""
        every, mixture = np.arange(len(self._seen)), self.mixture_
        for rows, observed in by_pattern(X):
            missing = np.setdiff1d(every, observed)
            if len(missing):
                numbers = np.arange(len(X))[rows]
                yield numbers, missing, Conditional.of(mixture, observed, missing)

    def _expected(self, X: np.ndarray) -> np.ndarray:
        seen = InMemory(X[:, self._seen])
        completed = seen.map(Completed.of(self.mixture_), (len(self._seen),), X.dtype)
        return self._with_empty(X, completed)

    def _drawn(self, X: np.ndarray, times: int, rng: np.random.RandomState) -> np.ndarray:
        seen = X[:, self._seen]
        drawn = np.repeat(seen[None], times, axis=0)
        for numbers, missing, conditional in self._gaps(seen):
            for some in conditional.blocks(numbers, times):
                found = conditional.draw(seen[some], times, rng)
                drawn[np.ix_(np.arange(times), some, missing)] = found.transpose(1, 0, 2)
        return np.stack([self._with_empty(X, one) for one in drawn])

    def _with_empty(self, X: np.ndarray, completed: np.ndarray) -> np.ndarray:
        """With the columns back in place that had no entry in the fit."""
        if not self.keep_empty_features or len(self._seen) == X.shape[1]:
            return completed
        whole = np.where(np.isnan(X), 0, X)
        whole[:, self._seen] = completed
        return whole

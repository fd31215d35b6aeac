"""A fitted mixture in a few lines, and its components against known classes."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gmmem import prediction
from gmmem.covariances import get_model
from gmmem.estimators import advice
from gmmem.estimators.judged import Judged
from gmmem.estimators.summary import (
    ClassTable,
    Summary,
    checked_errors,
    judged_by,
    numbered,
)


class Summarised(Judged):
    """What a user reads after a fit."""

    def summary(self, X=None, sample_weight=None, *, bootstrap=None) -> Summary:
        """The fit in a few lines, as text, as a table in notebooks, or as a dict.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            The rows, mostly those of the fit, which does not keep them.  None leaves out what
            only they tell; a `GaussianMixtureIC` has kept that of its fit.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.
        bootstrap : gmmem.bootstrap.Bootstrap, default=None
            What ``gmmem.bootstrap.bootstrap(model, X)`` gave: with it weights and means have
            standard errors.

        Returns
        -------
        summary : gmmem.estimators.Summary
            The model, log-likelihood, n, number of parameters, BIC and ICL; weight, size and
            mean of each component; how the fit ended, and what is to be doubted.

        Raises
        ------
        TypeError
            If `bootstrap` is no result of a bootstrap.
        ValueError
            If it is one of another mixture, or X is not usable.

        See Also
        --------
        table : Components against known classes.
        fit_summary : The numbers that criteria look at.

        Examples
        --------
        >>> from gmmem import GaussianMixtureIC
        >>> from gmmem.datasets import load_old_faithful
        >>> GaussianMixtureIC().fit(load_old_faithful()).summary()
        GaussianMixtureIC: EEE, 3 components, 2 features
        <BLANKLINE>
        log-likelihood    n  parameters      BIC      ICL
              -1126.32  272          11  2314.30  2358.87
        <BLANKLINE>
        component  weight  size     x0     x1
                0  0.1709    41  3.802  77.51
                1  0.3564    97  2.038  54.49
                2  0.4727   134  4.468  80.88
        <BLANKLINE>
        Converged in 49 iterations.
        """
        check_is_fitted(self)
        fit, sizes = vars(self).get("_summary_kept", (None, None))
        if X is not None:
            fit = self._judged(X, sample_weight)
            sizes = prediction.sizes(*self._scored(X, sample_weight))
        elif sample_weight is not None:
            raise ValueError("sample_weight is that of rows: give X with it.")
        means = np.array(self.means_, dtype=np.float64)
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(means.shape[1])])
        return Summary(
            estimator=type(self).__name__,
            model=self._model_name(),
            n_components=len(means),
            feature_names=tuple(map(str, names)),
            n_parameters=self.n_parameters_,
            status=self._status(),
            n_iter=int(self.n_iter_),
            weights=np.array(self.weights_, dtype=np.float64),
            means=means,
            **judged_by(fit),
            sizes=sizes,
            standard_errors=checked_errors(bootstrap, means),
            advice=advice.of_fit(self, sizes),
        )

    def _model_name(self) -> str:
        """As the user calls the fitted covariance model."""
        called = getattr(self, "covariance_type_", self.covariance_type)
        model = self.covariance_model_
        return called if isinstance(called, str) and get_model(called) == model else model.name

    def _status(self) -> str:
        if "_stream" in vars(self):
            return "stream"
        if not self.lower_bounds_ and (self.converged_ or not self.max_iter):
            return "given"  # Else it was interrupted before the first iteration.
        return "converged" if self.converged_ else "not converged"

    def table(self, X, y, sample_weight=None) -> ClassTable:
        """How many rows of each known class each component holds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes, numbers or names.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of w stands for w copies of a row.

        Returns
        -------
        table : gmmem.estimators.ClassTable
            Its ``counts`` (n_components, n_classes) and ``classes``; it prints as a table.

        Raises
        ------
        ValueError
            If there is not one class for each row, or classes cannot be sorted.

        See Also
        --------
        summary : The fit in a few lines.

        Examples
        --------
        With pandas, ``pandas.crosstab(model.predict(X), y)`` gives the same counts.

        >>> from sklearn.datasets import load_iris
        >>> from gmmem import GaussianMixture
        >>> iris = load_iris()
        >>> means = [[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]]
        >>> model = GaussianMixture(3, means_init=means).fit(iris.data)
        >>> model.table(iris.data, iris.target_names[iris.target])
        component  setosa  versicolor  virginica
                0      50           0          0
                1       0          45          0
                2       0           5         50
        """
        scorer, rows = self._scored(X, sample_weight)
        classes, numbers = numbered(y, rows.n_rows)
        return ClassTable(prediction.counts(scorer, rows, numbers, len(classes)), classes)

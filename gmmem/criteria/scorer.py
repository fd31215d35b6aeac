"""Criteria in the language of scikit-learn's searches."""

from typing import Any

from sklearn.utils.metadata_routing import MetadataRequest

from gmmem.criteria.formulas import CRITERIA


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
        """Say whether `sample_weight` is wanted, or under which name.

        Parameters
        ----------
        sample_weight : bool, str or None, default=None
            True passes the weights of a search on, a name those of that name; False none.
            None is an error where there are weights.

        Returns
        -------
        self : Scorer
            Itself.

        Examples
        --------
        >>> import sklearn
        >>> from sklearn.model_selection import GridSearchCV
        >>> from gmmem import GaussianMixture
        >>> from gmmem.criteria import Scorer
        >>> from gmmem.datasets import load_old_faithful
        >>> X = load_old_faithful()
        >>> with sklearn.config_context(enable_metadata_routing=True):
        ...     scorer = Scorer("bic").set_score_request(sample_weight=True)
        ...     model = GaussianMixture(random_state=0).set_fit_request(sample_weight=True)
        ...     search = GridSearchCV(model, {"n_components": [1, 2]}, scoring=scorer)
        ...     search.fit(X, sample_weight=[2.0] * len(X)).best_params_
        {'n_components': 2}
        """
        self._request.score.add_request(param="sample_weight", alias=sample_weight)
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """What scikit-learn's searches ask.

        Returns
        -------
        routing : MetadataRequest
            What was set by `set_score_request`.

        Examples
        --------
        >>> from gmmem.criteria import Scorer
        >>> scorer = Scorer("bic").set_score_request(sample_weight=True)
        >>> scorer.get_metadata_routing().score.requests
        {'sample_weight': True}
        """
        return self._request

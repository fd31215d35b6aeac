"""Adaptation: a model of many rows as the prior of a model of few.

    mean_k = a_k xbar_k + (1 - a_k) m_k,        a_k = n_k / (n_k + relevance)

and so for covariances: each component of the old model is `relevance` rows of the new one.
Reynolds, Quatieri and Dunn (2000), Speaker verification using adapted Gaussian mixture
models, Digital Signal Processing 10, 19-41.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from gmmem.covariances import CovarianceModel
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.priors.base import Prior
from gmmem.priors.bounds import Bounds
from gmmem.priors.held import Held, Known
from gmmem.priors.pseudo_rows import PseudoRows

PARTS = ("weights", "means", "covariances")


@dataclass(frozen=True, eq=False)
class Adaptation:
    """A fitted mixture as a prior, from which EM starts, too: `Prior.from_mixture`.

    Parameters
    ----------
    mixture : Mixture
        The model of many rows.
    relevance : float, default=16
        How many rows each of its components is worth.  As many again, times the number of
        components, are shared out by its weights.
    adapt : sequence of {"weights", "means", "covariances"}, default all of them
        What the new rows may change; the rest is held.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.priors import Prior
    >>> X = load_old_faithful()
    >>> background = GaussianMixture(2, random_state=0).fit(X)
    >>> prior = Prior.from_mixture(background, relevance=16, adapt=["means"])
    >>> model = GaussianMixture(2, prior=prior).fit(X[:10] + [1, 0])
    >>> np.allclose(model.covariances_, background.covariances_, rtol=1e-12)
    True
    """

    mixture: Mixture
    relevance: float = 16.0
    adapt: tuple[str, ...] = PARTS

    def __post_init__(self):
        if not isinstance(self.mixture, Mixture):
            raise ValueError(
                "from_mixture takes a fitted mixture of gmmem or a Mixture, not "
                f"{type(self.mixture).__name__}: of another library's make one by "
                "GaussianMixture.from_parameters(weights, means, covariances)."
            )
        if not (isinstance(self.relevance, Real) and 0 < self.relevance < np.inf):
            raise ValueError(f"relevance={self.relevance!r} must be positive and finite.")
        parts = [self.adapt] if isinstance(self.adapt, str) else self.adapt
        if not isinstance(parts, Iterable) or not parts or not set(parts) <= set(PARTS):
            raise ValueError(f"adapt={self.adapt!r} must hold one or more of {', '.join(PARTS)}.")
        object.__setattr__(self, "adapt", tuple(parts))

    def on(self, total: Moments, model: CovarianceModel, n_components: int) -> Prior:
        """The prior for these rows.

        Parameters
        ----------
        total : Moments
            Of all rows, as one component.
        model : CovarianceModel
            That of the mixture.
        n_components : int
            That of the mixture.

        Returns
        -------
        prior : Prior
            For an M-step.

        Raises
        ------
        ValueError
            If the mixture is of another size, or its covariances are of another kind.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem import Mixture
        >>> from gmmem.covariances import get_model
        >>> from gmmem.passes import locate, total_moments
        >>> from gmmem.priors import Prior
        >>> from gmmem.sources import InMemory
        >>> rows, model = InMemory(np.zeros((5, 1))), get_model("VVV")
        >>> many = Mixture.from_arrays([0.5, 0.5], [[0], [9]], [[[1]]] * 2)
        >>> total = total_moments(rows, locate(rows), model.storage.form)
        >>> Prior.from_mixture(many, relevance=4).on(total, model, 2).mean_rows
        array([4., 4.])
        """
        known, (K, d) = self.mixture, self.mixture.means.shape
        storage, form = known.covariances, model.storage.form
        if (n_components, total.first.shape[1]) != (K, d):
            raise ValueError(
                f"The prior's mixture has {K} components of {d} features; n_components is "
                f"{n_components} and X has {total.first.shape[1]} features. Make them the same."
            )
        if type(storage) is not model.storage or (len(storage.factors) == 1 and K > 1) != (
            model.shared and K > 1
        ):
            raise ValueError(
                "The prior's mixture has covariances of another kind than covariance_type="
                f"{model.name!r}: fit both with the same."
            )
        rows = np.full(K, float(self.relevance))
        units = d if form.shape(d) == () else 1  # A sphere's scatter sums over its directions.
        scatter = self.relevance * units * storage.covariances * (K / len(storage.factors))
        prior = PseudoRows(known.means, rows, scatter, rows, rows.sum() * known.weights, form)
        if set(self.adapt) == set(PARTS):
            return prior
        weights_held, *held = [np.full(K, part not in self.adapt) for part in PARTS]
        bounds = Bounds.none(K).holding(known.weights, weights_held)
        return Held(prior, bounds, Known(known.means, storage), *held, form)

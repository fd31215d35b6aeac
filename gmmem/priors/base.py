"""The contract of a prior: what an M-step believes before it sees the rows.

A prior speaks in the currency of rows: it adds to masses and scatters what rows of its own
would add.  EM then maximises the log-likelihood plus `penalty`, and never loses any of it.
"""

from typing import Any, Protocol

import numpy as np

from gmmem.contracts import contract
from gmmem.covariances import CovarianceModel, Estimate
from gmmem.covariances.base import checked_estimate
from gmmem.mixture import Mixture
from gmmem.moments import Moments, Scatters


@contract
class Prior(Protocol):
    """What an M-step adds before it estimates; what is not overwritten changes nothing.

    Examples
    --------
    A belief of one's own: as many rows more for the first component.

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from gmmem.priors import Prior
    >>> @dataclass(frozen=True)
    ... class FirstCounts(Prior):
    ...     rows: float
    ...
    ...     def weights(self, mass):
    ...         more = np.zeros_like(mass)
    ...         more[0] = self.rows
    ...         return super().weights(mass + more)
    ...
    ...     def penalty(self, mixture):
    ...         return float(self.rows * mixture.log_weights[0])
    >>> FirstCounts(10.0).weights(np.array([5.0, 5.0]))
    array([0.75, 0.25])
    """

    @property
    def mean_rows(self) -> Any:
        """How many rows the belief about a mean is worth, a number or (n_components,).

        Examples
        --------
        >>> from gmmem.priors import NO_PRIOR
        >>> NO_PRIOR.mean_rows
        0.0
        """
        return 0.0

    @property
    def keeps_regular(self) -> bool:
        """Whether no covariance can become singular for lack of rows.

        Examples
        --------
        >>> from gmmem.priors import NO_PRIOR, Ridge
        >>> NO_PRIOR.keeps_regular, Ridge(1e-6).keeps_regular
        (False, True)
        """
        return False

    @property
    def floor(self) -> Any:
        """The variance that it adds to every covariance, a number or (n_features,).

        Examples
        --------
        >>> from gmmem.priors import NO_PRIOR, Ridge
        >>> NO_PRIOR.floor, Ridge(1e-6).floor
        (0.0, 1e-06)
        """
        return 0.0

    def add(self, scatters: Scatters) -> Scatters:
        """The scatters with the prior's own.

        Parameters
        ----------
        scatters : Scatters
            Masses, means and scatters about them, as the rows gave them.

        Returns
        -------
        scatters : Scatters
            What the model estimates from.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.forms import NORM
        >>> from gmmem.moments import Scatters
        >>> from gmmem.priors import Ridge
        >>> mass, means, scatter = np.array([2.0]), np.zeros((1, 2)), np.array([8.0])
        >>> scatters = Scatters(mass, means, scatter, NORM, lost=None)
        >>> Ridge(0.5).add(scatters).scatter
        array([10.])
        """
        return scatters

    def weights(self, mass: np.ndarray) -> np.ndarray:
        """Mixing weights of components that rows of that mass belong to.

        Parameters
        ----------
        mass : ndarray of shape (n_components,)
            Sums of the responsibilities.

        Returns
        -------
        weights : ndarray of shape (n_components,)
            They sum to one.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.priors import NO_PRIOR
        >>> NO_PRIOR.weights(np.array([1.0, 3.0]))
        array([0.25, 0.75])
        """
        return mass / mass.sum()

    def estimate(
        self, model: CovarianceModel, scatters: Scatters, previous: np.ndarray | None
    ) -> Estimate:
        """The model's covariances, from scatters with the prior's own.

        Parameters
        ----------
        model : CovarianceModel
            How covariances are tied.
        scatters : Scatters
            What `add` gave.
        previous : ndarray of shape (S, ...) or None
            The covariances of the last iteration.

        Returns
        -------
        estimate : Estimate
            Covariances in the form of the model's storage.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import get_model
        >>> from gmmem.forms import NORM
        >>> from gmmem.moments import Scatters
        >>> from gmmem.priors import NO_PRIOR
        >>> mass, means, scatter = np.array([2.0]), np.zeros((1, 2)), np.array([8.0])
        >>> scatters = Scatters(mass, means, scatter, NORM, lost=None)
        >>> NO_PRIOR.estimate(get_model("VII"), scatters, None).covariances
        array([2.])
        """
        d = scatters.means.shape[1]
        return checked_estimate(model, scatters.scatter, scatters.mass, d, previous)

    def penalty(self, mixture: Mixture) -> float:
        """Log of the prior's density at some parameters, up to a constant.

        Parameters
        ----------
        mixture : Mixture
            The parameters.

        Returns
        -------
        penalty : float
            In nats: EM maximises the log-likelihood plus this.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> from gmmem.priors import NO_PRIOR
        >>> NO_PRIOR.penalty(Mixture.from_arrays([1], [[0]], [[[1]]]))
        0.0
        """
        return 0.0

    def n_held(self, model: CovarianceModel, n_features: int) -> int:
        """How many parameters are not free.

        Parameters
        ----------
        model : CovarianceModel
            How covariances are tied.
        n_features : int
            d, the number of features.

        Returns
        -------
        n_held : int
            What ``n_parameters_`` leaves out.

        Examples
        --------
        >>> from gmmem.covariances import get_model
        >>> from gmmem.priors import NO_PRIOR
        >>> NO_PRIOR.n_held(get_model("VVV"), 2)
        0
        """
        return 0

    def for_any(self, n_components: int) -> "Prior":
        """The same belief about so many components that are none in particular.

        Parameters
        ----------
        n_components : int
            K, how many there are.

        Returns
        -------
        prior : Prior
            What is known of single components is left out.

        Examples
        --------
        >>> from gmmem.priors import NO_PRIOR
        >>> NO_PRIOR.for_any(3) is NO_PRIOR
        True
        """
        return self

    @staticmethod
    def from_mixture(model, relevance=16.0, adapt=("weights", "means", "covariances")):
        """A prior for few rows from a model of many.

        Parameters
        ----------
        model : GaussianMixture or Mixture
            The model of many rows, fitted.
        relevance : float, default=16
            How many rows each of its components is worth.
        adapt : sequence of {"weights", "means", "covariances"}, default=all of them
            What the new rows may change; the rest is held.

        Returns
        -------
        prior : Adaptation
            For the parameter `prior` of `GaussianMixture`.

        See Also
        --------
        Adaptation : What it does.

        Examples
        --------
        >>> from gmmem import Mixture
        >>> from gmmem.priors import Prior
        >>> many = Mixture.from_arrays([1], [[0]], [[[1]]])
        >>> Prior.from_mixture(many, relevance=4).relevance
        4
        """
        from gmmem.priors.adaptation import Adaptation

        # Of an estimator that is not fitted yet, this says so.
        known = model.mixture_ if hasattr(type(model), "mixture_") else model
        return Adaptation(known, relevance, adapt)


@contract
class PriorOf(Protocol):
    """What becomes a prior when rows, a covariance model and a size are known.

    See Also
    --------
    NormalInverseWishart, Adaptation : Two of them.

    Examples
    --------
    >>> from gmmem.priors import REGULARISED
    >>> hasattr(REGULARISED, "on")
    True
    """

    def on(self, total: Moments, model: CovarianceModel, n_components: int) -> Prior:
        """The prior for these rows.

        Parameters
        ----------
        total : Moments
            Of all rows, as one component.
        model : CovarianceModel
            How covariances are tied.
        n_components : int
            K, the number of components.

        Returns
        -------
        prior : Prior
            For an M-step.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.covariances import get_model
        >>> from gmmem.passes import locate, total_moments
        >>> from gmmem.priors import REGULARISED
        >>> from gmmem.sources import InMemory
        >>> rows, model = InMemory(np.array([[0.0], [1], [8], [9]])), get_model("VVV")
        >>> total = total_moments(rows, locate(rows), model.storage.form)
        >>> prior = REGULARISED.on(total, model, n_components=2)
        >>> prior.mean_rows
        array([0.01, 0.01])
        """

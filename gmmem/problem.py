"""What EM maximises: rows, a covariance model, a prior and an allocation.

expect:    mixture            ->  objective, moments      (the only pass)
maximise:  moments, mixture   ->  mixture                 (knows no rows)
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gmmem.covariances import CovarianceModel, DegenerateCovariance
from gmmem.covariances.singular import (
    EPS,
    Collapsed,
    located,
    refuse_singular,
    refuse_singular_rows,
    rounding,
)
from gmmem.forms import SQUARE, Quadratic
from gmmem.incomplete import Incomplete
from gmmem.kernels.allocation import SOFT
from gmmem.kernels.base import Allocation, Kernel
from gmmem.kernels.guard import choose
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.mixture import Mixture
from gmmem.moments import LOST, Moments, Scatters, spread
from gmmem.passes import Expected, Extent, assigned_moments, fill_empty, locate, total_moments
from gmmem.priors import NO_PRIOR, Prior, ridge_of
from gmmem.sources.base import Rows


class Update(NamedTuple):
    """What an M-step gives."""

    mixture: Mixture
    settled: bool = True
    """False if the M-step's inner iteration, where it has one, did not converge."""


class Expectation(NamedTuple):
    """What an E-step gives."""

    objective: float
    """Log-likelihood, total over the rows times their weights, and the log of the prior."""
    moments: Moments
    exact: bool
    """Whether the moments keep their digits for components of any scale."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows to be explained, and by what.

    Parameters
    ----------
    rows : Rows
    model : CovarianceModel
    prior : Prior
    allocation : Allocation
    extent : Extent
        Where the rows lie.
    total : Moments or None
        Of all rows as one component: what a shared covariance needs once, and not in
        every pass.
    incomplete : Incomplete or None
        What is known of the rows where values are missing.
    """

    rows: Rows
    model: CovarianceModel
    prior: Prior
    allocation: Allocation
    extent: Extent
    total: Moments | None
    incomplete: Incomplete | None = None

    @classmethod
    def of(
        cls,
        rows: Rows,
        model: CovarianceModel,
        prior: Prior = NO_PRIOR,
        allocation: Allocation = SOFT,
    ) -> "Problem":
        """Look at the rows once, before there are components.

        Raises
        ------
        ValueError
            If the rows hold NaN alone, or values whose squares would not fit in float64.
        TypeError
            If the rows are no source.
        """
        if not hasattr(rows, "n_features"):
            raise TypeError(
                f"rows must be a source, not {type(rows).__name__}: an array X is one as "
                "gmmem.sources.InMemory(X)."
            )
        extent, form = locate(rows), model.storage.form
        if extent.n_missing:
            gaps = Incomplete(rows, extent, form)
            return cls(rows, model, prior, allocation, extent, None, gaps)
        total = total_moments(rows, extent, form) if model.shared else None
        return cls(rows, model, prior, allocation, extent, total)

    def regularised(self, reg_covar: float | str) -> "Problem":
        """The same with that on the diagonal of every covariance.

        Parameters
        ----------
        reg_covar : float or "auto"
            In squared units of the data; "auto" is a share of each feature's own variance.
        """

        def total() -> Moments:
            form = min(self.model.storage.form, SQUARE, key=lambda each: each.fineness)
            if self.incomplete is not None:
                return self.incomplete.one[1].coarsened(form, pooled=True)
            return total_moments(self.rows, self.extent, form)

        return replace(self, prior=ridge_of(reg_covar, total))

    def with_model(self, model: CovarianceModel) -> "Problem":
        """The same for another covariance model."""
        form, total = model.storage.form, self.total
        if self.incomplete is not None:
            return replace(self.seeing(form), model=model)
        if total is not None and total.form.fineness >= form.fineness:
            total = total.coarsened(form, pooled=True)
        else:
            total = total_moments(self.rows, self.extent, form) if model.shared else None
        return replace(self, model=model, total=total)

    def seeing(self, form: Quadratic) -> "Problem":
        """The same, where incomplete rows are known in a form as fine as this one."""
        if self.incomplete is None:
            return self
        return replace(self, incomplete=self.incomplete.with_form(form))

    def completed_as(self, other: "Problem") -> "Problem":
        """The same, where missing values are completed for a start as another's are."""
        if self.incomplete is None or other.incomplete is None:
            return self
        return replace(self, incomplete=self.incomplete.completed_by(other.incomplete.by))

    def all_rows(self) -> Moments:
        """Moments of all rows as one component, in the form of the model."""
        if self.incomplete is not None:
            return self.incomplete.one[1].coarsened(self.model.storage.form, pooled=True)
        if self.total is not None:
            return self.total
        return total_moments(self.rows, self.extent, self.model.storage.form)

    @property
    def complete(self) -> Rows:
        """The rows as a start sees them: what is missing, where something is, filled in."""
        return self.rows if self.incomplete is None else self.incomplete.completed

    def kernel(self, mixture: Mixture) -> Kernel:
        """The cheapest kernel that is accurate for a mixture on these rows."""
        centre, reach = self.extent.centre, self.extent.reach
        return choose(mixture, centre, reach, self.rows.arithmetic, self.allocation.complete)

    def expect(self, mixture: Mixture, kernel: Kernel | None = None) -> Expectation:
        """E-step: log-likelihood of the rows and their expected moments."""
        kernel = self.kernel(mixture) if kernel is None else kernel
        if self.incomplete is not None:
            likelihood, moments = self.incomplete.expect(kernel, self.allocation)
        else:
            over = Expected(kernel, self.allocation, total=self.total is None)
            likelihood, moments = over.result(self.rows.fold(over), self.total)
        return Expectation(likelihood + self.prior.penalty(mixture), moments, kernel.exact)

    def expect_exactly(self, mixture: Mixture) -> Expectation:
        """The same by differences, whatever it costs."""
        return self.expect(mixture, WhitenedKernel(mixture, self.extent.centre))

    def maximise(self, moments: Moments, previous: Mixture | None = None) -> Update:
        """M-step: the mixture that maximises the expected log-likelihood.

        Raises
        ------
        DegenerateCovariance
            If a covariance is singular (see `gmmem.covariances.singular`).
        """
        first = previous is None and not self.prior.keeps_regular
        if first:
            self._refuse_singular_rows(moments)
        try:
            update = maximise(moments, self.model, self.prior, previous)
        except DegenerateCovariance as error:
            raise self._told(error, moments) from None
        if first:
            # Rows leave a component that starts singular, and it would be lost without a word.
            self._refuse_singular(update.mixture, moments)
        elif previous is not None and not self.prior.keeps_regular:
            refuse_lost(update.mixture, previous)
        return update

    def improve(
        self, expectation: Expectation, mixture: Mixture
    ) -> tuple[Expectation, Update, Kernel]:
        """M-step, with differences taken first where the new covariances need that.

        Returns what it was taken from, what it gave, and the kernel of the next E-step.
        """
        try:
            update = self.maximise(expectation.moments, mixture)
            following = self.kernel(update.mixture)
            if not following.exact:
                return expectation, update, following
        except DegenerateCovariance:
            if expectation.exact:
                raise
        if not expectation.exact:
            # The new covariances are too small for moments taken about a common centre.
            expectation = self.expect_exactly(mixture)
            update = self.maximise(expectation.moments, mixture)
            following = self.kernel(update.mixture)
        # Only what is small needs differences, so only here may it be nothing but rounding.
        if following.exact:
            refuse_narrow(update.mixture)
        if following.exact and not self.prior.keeps_regular:
            moments = expectation.moments
            self._refuse_singular(update.mixture, moments, spread(moments))
        return expectation, update, following

    @property
    def _largest(self) -> np.ndarray:
        return np.abs(self.extent.centre) + self.extent.reach

    def _refuse_singular(self, mixture: Mixture, moments: Moments, wide=None) -> None:
        storage = mixture.covariances
        resolution = rounding(self._largest, mixture.means, storage, self.rows.dtype)
        try:
            refuse_singular(storage, resolution, mixture.weights, wide)
        except DegenerateCovariance as error:
            raise self._told(error, moments) from None

    def _told(self, error: DegenerateCovariance, moments: Moments) -> DegenerateCovariance:
        """The better reason: that of all rows, or where and along what a component is thin."""
        try:
            self._refuse_singular_rows(moments)
        except DegenerateCovariance as better:
            return better
        return located(error, moments.scatters(), self._resolution)

    @property
    def _resolution(self) -> np.ndarray:
        return max(EPS, np.finfo(self.rows.dtype).eps) * self._largest

    def _refuse_singular_rows(self, moments: Moments) -> None:
        if self.incomplete is not None and self.model.storage.form.fineness > 0:
            # What is expected in the gaps of a constant column varies, for many iterations.
            most = np.where(self.extent.there > 0, self.extent.reach**2, np.inf)
            refuse_singular_rows(most[None], None, self._resolution)
        refuse_singular_rows(*spread(moments), self._resolution)

    def start(self, assign, n_components: int) -> Mixture:
        """M-step from given shares: how every initialiser becomes a mixture."""
        form, pooled = self.model.storage.form, self.model.shared
        moments = assigned_moments(self.complete, self.extent, assign, n_components, form, pooled)
        return self.maximise(fill_empty(moments, self.extent)).mixture


def maximise(
    moments: Moments,
    model: CovarianceModel,
    prior: Prior = NO_PRIOR,
    previous: Mixture | None = None,
) -> Update:
    """M-step: the mixture that maximises the expected log-likelihood.

    A component that has lost all its rows keeps the mean and covariance of `previous`, at
    weight zero.

    Parameters
    ----------
    moments : Moments
        What an E-step has given, or a sum of such.
    model : CovarianceModel
        How the covariances are tied.
    prior : Prior, default=NO_PRIOR
        What is believed before.
    previous : Mixture, default=None
        Where inner iterations start, and what lost components keep.

    Returns
    -------
    update : Update
        The mixture, and whether the model's inner iteration, if there is one, has settled.

    Raises
    ------
    DegenerateCovariance
        If a covariance cannot be factorised.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import InMemory
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> _, moments = em.expect(start, InMemory(load_old_faithful()))
    >>> em.maximise(moments, get_model("EII")).mixture.weights.round(2)
    array([0.36, 0.64])
    """
    if moments.form is not model.storage.form or (model.shared and len(moments.second) > 1):
        moments = moments.coarsened(model.storage.form, model.shared)
    scatters = moments.scatters()
    weights = prior.weights(_mass_there(scatters))
    if scatters.lost is not None:
        scatters = _with_lost_kept(scatters, previous)
    scatters = prior.add(scatters)
    last = None if previous is None else previous.covariances.covariances
    d = scatters.means.shape[1]
    estimate = prior.estimate(model, scatters, last)
    storage = model.storage.from_estimate(estimate, d)
    return Update(Mixture.of_parts(weights, scatters.means, storage), bool(estimate.settled))


def _mass_there(scatters: Scatters) -> np.ndarray:
    """Mass, and none of what is lost."""
    return scatters.mass if scatters.lost is None else np.where(scatters.lost, 0, scatters.mass)


def _with_lost_kept(scatters: Scatters, previous: Mixture | None) -> Scatters:
    """Lost components with next to no mass, where and as wide as they were."""
    mass, means, scatter, _, lost = scatters
    if previous is None:
        raise DegenerateCovariance(int(np.argmax(lost)), "has no rows to be estimated from")
    least = LOST * mass.sum()
    mass = np.where(lost, least, mass)
    means = np.where(lost[:, None], previous.means, means)
    if len(scatter) == len(mass):
        old = previous.covariances.covariances
        scatter = scatter.copy()
        scatter[lost] = least * np.broadcast_to(old, scatter.shape)[lost]
    return scatters._replace(mass=mass, means=means, scatter=scatter)


def refuse_lost(mixture: Mixture, previous: Mixture) -> None:
    """Raise where a component has just lost the last of its rows."""
    if mixture.weights.min() > 0:
        return
    lost = (mixture.weights == 0) & (previous.weights > 0)
    if lost.any():
        k = int(np.argmax(lost))
        raise Collapsed(k, "says nothing: it has lost all its rows", previous.means[k])


def refuse_narrow(mixture: Mixture) -> None:
    """Raise where the inverse of a covariance does not fit in float64."""
    precisions = mixture.covariances.precisions
    fits = np.isfinite(precisions).reshape(len(precisions), -1).all(axis=1)
    if not fits.all():
        reason = "is too narrow for its inverse to fit in float64: rescale the data"
        raise DegenerateCovariance(int(np.argmin(fits)), reason)

"""A model for each of several mixtures, whose covariances are estimated together."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from gmmem.covariances.base import CovarianceModel, Lettered
from gmmem.covariances.parts import Parts, slices
from gmmem.covariances.roots import root
from gmmem.covariances.storage import DegenerateCovariance, Estimate


@dataclass(frozen=True)
class Each(CovarianceModel):
    """A model for each of several mixtures, all of one storage.

    Parameters
    ----------
    models : tuple of CovarianceModel
        What ties the covariances of each.
    sizes : tuple of int
        How many components each mixture has.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import get_model
    >>> from gmmem.covariances.several import Each
    >>> both = Each((get_model("EII"), get_model("VII")), (2, 2))
    >>> both.estimate(np.array([2.0, 4.0, 2.0, 4.0]), np.ones(4), 1, None).covariances
    array([3., 3., 2., 4.])
    """

    models: tuple[CovarianceModel, ...]
    sizes: tuple[int, ...]
    aligned: ClassVar[bool] = False
    closed_form: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return ", ".join(model.name for model in self.models)

    @property
    def storage(self) -> type:
        return self.models[0].storage

    def n_parameters(self, n_components, n_features):
        each = zip(self.models, self.sizes, strict=True)
        return sum(model.n_parameters(K, n_features) for model, K in each)

    @cached_property
    def _alike(self) -> list[tuple[CovarianceModel, np.ndarray, Parts]]:
        """The models, which components each is of, and whose these are."""
        where: dict[CovarianceModel, list[tuple[int, slice]]] = {}
        for model, size, here in zip(self.models, self.sizes, slices(self.sizes), strict=True):
            where.setdefault(model, []).append((size, here))
        rows = np.arange(sum(self.sizes))
        return [
            (model, np.concatenate([rows[here] for _, here in own]), Parts([K for K, _ in own]))
            for model, own in where.items()
        ]

    def estimate(self, scatter, mass, n_features, previous):
        covariances, roots, settled = np.empty_like(scatter), [], True
        for model, rows, parts in self._alike:
            last = None if previous is None else previous[rows]
            try:
                found = _estimate(model, scatter[rows], mass[rows], n_features, last, parts)
            except DegenerateCovariance as error:
                raise DegenerateCovariance(int(rows[error.component]), error.reason) from None
            covariances[rows], settled = found.covariances, settled and found.settled
            if found.roots is not None:
                roots.append((rows, found.roots))
        return Estimate(covariances, settled, _all_roots(covariances, roots))


def _estimate(
    model: CovarianceModel, scatter, mass, n_features: int, last, parts: Parts
) -> Estimate:
    """Of one model: of all at once, if it knows how to."""
    # A class of someone's own may have an M-step of its own.
    if getattr(type(model), "estimate", None) is Lettered.estimate:
        try:
            return model.of_each(scatter, mass, n_features, last, parts)
        except np.linalg.LinAlgError:
            pass  # Whose fault it is shows one by one.

    def alone(here: slice) -> Estimate:
        previous = None if last is None else last[here]
        try:
            if not model.shared:
                return model.estimate(scatter[here], mass[here], n_features, previous)
            total = scatter[here].sum(axis=0, keepdims=True)
            previous = None if last is None else previous[:1]
            return model.estimate(total, mass[here], n_features, previous)
        except np.linalg.LinAlgError:
            raise DegenerateCovariance(0, "could not be decomposed") from None

    covariances, roots, settled = np.empty_like(scatter), [], True
    for here, found in parts.each(alone):
        covariances[here], settled = found.covariances, settled and found.settled
        if found.roots is not None:
            roots.append((here, found.roots))
    return Estimate(covariances, settled, _all_roots(covariances, roots))


def _all_roots(covariances: np.ndarray, known: list) -> np.ndarray | None:
    """Roots of all, where those of some say more than their covariances."""
    if not known:
        return None
    others = np.ones(len(covariances), dtype=bool)
    roots = np.empty_like(covariances)
    for here, each in known:
        others[here], roots[here] = False, each
    if others.any():
        roots[others] = root(covariances[others])
    return roots

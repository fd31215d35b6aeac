"""The eight models on full storage: ellipsoids that may lie any way.

Sigma_k = lambda_k D_k diag(shape_k) D_k'

    EEE VEE EVE VVE    one orientation for all components
    EEV VEV EVV VVV    each its own

M-steps: Celeux and Govaert (1995), Gaussian parsimonious clustering models, Pattern
Recognition 28, 781-793, sections 4.1 and 4.3 (EVE and VVE: `orientation`).
"""

from dataclasses import dataclass

import numpy as np

from gmmem.covariances.base import Iterated, Lettered
from gmmem.covariances.full import Full
from gmmem.covariances.orientation import axes_of_each
from gmmem.covariances.parts import Parts
from gmmem.covariances.roots import eigen, root
from gmmem.covariances.storage import EPS, Estimate
from gmmem.covariances.volumes import check_positive, common_matrix, common_shapes, volumes

# Axes whose squared lengths differ by less are as long as each other: as a share of the
# longest, and of their own.
TIED, TIED_THIN = 16 * EPS, 1e-9


class EEE(Lettered):
    """One covariance for all components (scikit-learn's "tied", if compact).

    ``Sigma_k = W / n``, W the total scatter within components.

    Parameters
    ----------
    compact : bool, default=False
        Whether users see one covariance for all, and not K equal ones.

    Examples
    --------
    >>> from gmmem.covariances import EEE
    >>> EEE().n_parameters(n_components=3, n_features=2)
    3
    """

    name = "EEE"
    storage = Full
    shared = True

    def of_each(self, scatter, mass, n_features, previous, parts):
        return Estimate(parts.total(scatter) / parts.total(mass)[:, None, None])


class VEE(Iterated):
    """One shape and orientation, each component its own volume.

    ``Sigma_k = lambda_k C`` with C of determinant one: volumes and C in turn, then Newton's
    method for the volumes.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.
    tol : float, default=1e-7
        The inner iteration for the volumes stops where none changes by more, relatively.
    max_iter : int, default=500
        Most steps of the inner iteration.

    References
    ----------
    Celeux and Govaert (1995). Gaussian parsimonious clustering models. Pattern Recognition 28,
    781-793.

    Examples
    --------
    >>> from gmmem.covariances import VEE
    >>> VEE().n_parameters(n_components=3, n_features=2)
    5
    """

    name = "VEE"
    storage = Full

    def of_each(self, scatter, mass, n_features, previous, parts):
        start = None if previous is None else _traces(previous)
        roots, found, settled = root(scatter), np.empty_like(scatter), True
        limits = self.tol, self.max_iter

        def solve(here):
            begin = None if start is None else start[here]
            return common_matrix(scatter[here], roots[here], mass[here], begin, *limits)

        for here, (volume, common, done) in parts.each(solve):
            found[here] = np.sqrt(volume)[:, None, None] * common
            settled = settled and done
        return _of_roots(found, settled)


@dataclass(frozen=True)
class Turned(Iterated):
    """One whose inner iteration is for the axes."""

    tol: float = 1e-10


class EVE(Turned):
    """One volume and orientation, each component its own shape.

    ``Sigma_k = lambda D A_k D'`` with A_k diagonal: the axes D by descent over rotations, and
    then A_k and lambda in closed form.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.
    tol : float, default=1e-10
        The inner iteration for the axes stops where a step gains less, in nats a unit of mass.
    max_iter : int, default=500
        Most steps of the inner iteration.

    References
    ----------
    Browne and McNicholas (2014). Orthogonal Stiefel manifold optimization for
    eigen-decomposed covariance parameter estimation in mixture models. Statistics and
    Computing 24, 203-210.

    Examples
    --------
    >>> from gmmem.covariances import EVE
    >>> EVE().n_parameters(n_components=3, n_features=2)
    5
    """

    name = "EVE"
    storage = Full

    def of_each(self, scatter, mass, n_features, previous, parts):
        each = np.full(n_features, 1 / n_features)

        def objective(here):
            total = mass[here].sum()

            def of(values):
                size = np.exp(np.log(values).dot(each))
                pooled = size.sum()
                return total * n_features * np.log(pooled), size * (total / pooled), 1 / n_features

            return of

        limits = self.tol, self.max_iter
        axes, values, settled = axes_of_each(scatter, objective, previous, parts, *limits)
        size = volumes(values)
        factor = parts.total(size) / parts.total(mass)
        return _along(values / size[:, None] * factor[:, None], axes, settled)


class VVE(Turned):
    """One orientation, each component its own volume and shape.

    ``Sigma_k = D L_k D'`` with L_k diagonal: the axes D by descent over rotations, and then
    L_k = diag(D' W_k D) / n_k.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.
    tol : float, default=1e-10
        The inner iteration for the axes stops where a step gains less, in nats a unit of mass.
    max_iter : int, default=500
        Most steps of the inner iteration.

    References
    ----------
    Browne and McNicholas (2014). Orthogonal Stiefel manifold optimization for
    eigen-decomposed covariance parameter estimation in mixture models. Statistics and
    Computing 24, 203-210.

    Examples
    --------
    >>> from gmmem.covariances import VVE
    >>> VVE().n_parameters(n_components=3, n_features=2)
    7
    """

    name = "VVE"
    storage = Full

    def of_each(self, scatter, mass, n_features, previous, parts):
        def objective(here):
            own = mass[here]
            return lambda values: (float(own.dot(np.log(values)).sum()), own, 0.0)

        limits = self.tol, self.max_iter
        axes, values, settled = axes_of_each(scatter, objective, previous, parts, *limits)
        return _along(values / mass[:, None], axes, settled)


class EEV(Lettered):
    """One volume and shape, each component its own orientation.

    ``Sigma_k = D_k L D_k'`` with D_k the axes of W_k, and L the sum of the variances along
    them over n.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.

    References
    ----------
    Celeux and Govaert (1995). Gaussian parsimonious clustering models. Pattern Recognition 28,
    781-793.

    Examples
    --------
    >>> from gmmem.covariances import EEV
    >>> EEV().n_parameters(n_components=3, n_features=2)
    5
    """

    name = "EEV"
    storage = Full

    def of_each(self, scatter, mass, n_features, previous, parts):
        values, axes = _eigen(scatter, parts)
        return _along(parts.total(values) / parts.total(mass)[:, None], axes)


class VEV(Iterated):
    """One shape, each component its own volume and orientation.

    ``Sigma_k = lambda_k D_k A D_k'`` with D_k the axes of W_k: volumes and the shape A in turn,
    then Newton's method for the volumes.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.
    tol : float, default=1e-7
        The inner iteration for the volumes stops where none changes by more, relatively.
    max_iter : int, default=500
        Most steps of the inner iteration.

    References
    ----------
    Celeux and Govaert (1995). Gaussian parsimonious clustering models. Pattern Recognition 28,
    781-793.

    Examples
    --------
    >>> from gmmem.covariances import VEV
    >>> VEV().n_parameters(n_components=3, n_features=2)
    7
    """

    name = "VEV"
    storage = Full

    def of_each(self, scatter, mass, n_features, previous, parts):
        values, axes = _eigen(scatter, parts)
        start = None if previous is None else _traces(previous)
        along, settled = common_shapes(values, mass, start, parts, self.tol, self.max_iter)
        return _along(along, axes, settled)


class EVV(Lettered):
    """One volume for all, each component its own shape and orientation.

    ``Sigma_k = lambda C_k`` with C_k the scatter W_k over its volume, and lambda the sum of
    the volumes over n.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.

    References
    ----------
    Celeux and Govaert (1995). Gaussian parsimonious clustering models. Pattern Recognition 28,
    781-793.

    Examples
    --------
    >>> from gmmem.covariances import EVV
    >>> EVV().n_parameters(n_components=3, n_features=2)
    7
    """

    name = "EVV"
    storage = Full

    def of_each(self, scatter, mass, n_features, previous, parts):
        roots = root(scatter)
        size = _volumes_of_roots(roots)
        factor = parts.total(size) / parts.total(mass) / size
        return _of_roots(roots * np.sqrt(factor)[:, None, None])


class VVV(Lettered):
    """Each component its own covariance (scikit-learn's "full").

    ``Sigma_k = W_k / n_k``.

    Parameters
    ----------
    compact : bool, default=False
        False: covariances are those of each component.

    Examples
    --------
    >>> from gmmem.covariances import VVV
    >>> VVV().n_parameters(n_components=3, n_features=2)
    9
    """

    name = "VVV"
    storage = Full

    def of_each(self, scatter, mass, n_features, previous, parts):
        return Estimate(scatter / mass[:, None, None])


def _traces(matrices: np.ndarray) -> np.ndarray:
    """Of covariances of one shape: as their volumes, but for a factor of all, (K,)."""
    return np.einsum("kii->k", matrices)


def _volumes_of_roots(roots: np.ndarray) -> np.ndarray:
    """``|R_k R_k'| ** (1 / d)``, (K,)."""
    regular = roots[:, :, -1].any(axis=1)
    pivots = np.where(regular[:, None], np.diagonal(roots, axis1=1, axis2=2), 0)
    return volumes(pivots**2)


def _eigen(matrices: np.ndarray, parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Variances along the axes and axes, longest first.

    Where a component has axes of equal length (few rows in many features), which of
    them goes with which length of another is open: the axes of all together decide,
    so that rounding does not.
    """
    values, axes = eigen(matrices)
    if (values[:, 1:] < (1 - 2 * TIED_THIN) * values[:, :-1]).all():
        return values, axes
    noise = np.minimum(TIED * values[:, :1], TIED_THIN * values[:, :-1])
    tied = values[:, :-1] - values[:, 1:] <= noise
    if tied.any():
        axes = axes.copy()
        pooled = np.broadcast_to(parts.total(matrices), matrices.shape)
        for k in np.flatnonzero(tied.any(axis=1)):
            axes[k] = _turned_within_ties(axes[k], tied[k], pooled[k])
    return values, axes


def _turned_within_ties(axes: np.ndarray, tied: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    """The same axes, but those of each run of equal lengths along the pooled scatter's."""
    axes = axes.copy()
    starts = np.flatnonzero(np.r_[True, ~tied])
    for first, last in zip(starts, np.r_[starts[1:], len(axes)], strict=True):
        if last - first > 1:
            space = axes[:, first:last]
            axes[:, first:last] = space @ np.linalg.eigh(space.T @ pooled @ space)[1][:, ::-1]
    return axes


def _along(values: np.ndarray, axes: np.ndarray, settled: bool = True) -> Estimate:
    """``D diag(v_k) D'``, from its root."""
    check_positive(values)
    return _of_roots(axes * np.sqrt(values)[:, None, :], settled)


def _of_roots(roots: np.ndarray, settled: bool = True) -> Estimate:
    """``R R'``, symmetric to the last bit, and the root, which has more digits."""
    return Estimate(roots @ roots.transpose(0, 2, 1), settled, roots)

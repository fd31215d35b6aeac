"""What every kernel must do: score as the definition does, and sum what it defines."""

from collections.abc import Callable

import numpy as np

from gmmem.covariances import Diagonal, Full, Spherical
from gmmem.kernels.allocation import SOFT
from gmmem.kernels.base import Components, Kernel
from gmmem.mixture import Mixture
from gmmem.passes import Expected, locate, total_moments
from gmmem.sources.base import Block, Workspace
from gmmem.sources.memory import InMemory

__all__ = ["check_kernel"]


def check_kernel(
    build: Callable[[Components, np.ndarray, np.ndarray], Kernel],
    storages: tuple[type, ...] = (Spherical, Diagonal, Full),
    tolerance: float = 1e-8,
    seed: int = 0,
) -> None:
    """Check a kernel against the definition of the mixture that it scores by.

    Parameters
    ----------
    build : callable
        ``build(components, centre, reach)`` makes the kernel, for rows within `reach` of
        the centre in every feature.
    storages : tuple of Storage classes
        Those that it is for.
    tolerance : float, default=1e-8
        Allowed relative error.
    seed : int, default=0
        Of the cases.

    Raises
    ------
    AssertionError
        If a score, a sum or a moment is another.

    Examples
    --------
    >>> from gmmem.kernels.whitened import WhitenedKernel
    >>> from gmmem.testing import check_kernel
    >>> check_kernel(lambda components, centre, reach: WhitenedKernel(components, centre))
    """
    rng = np.random.RandomState(seed)
    for storage in storages:
        for K, d, shared in [(1, 1, False), (3, 2, False), (4, 3, True), (5, 12, False)]:
            mixture = _mixture(rng, storage, K, d, shared)
            X = mixture.sample(300, rng)[0]
            for weight in (None, rng.uniform(0.2, 2, size=len(X))):
                _check(build, mixture, X, weight, tolerance)


def _mixture(rng, storage: type, K: int, d: int, shared: bool) -> Mixture:
    axes = np.eye(d) + 0.3 * rng.normal(size=(1 if shared else K, d, d))
    covariances = storage.form.of(axes @ axes.transpose(0, 2, 1)) / (
        d if storage is Spherical else 1
    )
    held = storage.from_covariances(covariances, d)
    return Mixture(rng.dirichlet(np.full(K, 5.0)), 2 * rng.normal(size=(K, d)) + 5, held)


def _check(build: Callable, mixture: Mixture, X, weight, tolerance: float) -> None:
    rows = InMemory(X, weight)
    extent = locate(rows)
    kernel = build(mixture, extent.centre, extent.reach)
    close = dict(rtol=tolerance, atol=tolerance * (1 + np.abs(X).max()))
    workspace, w = Workspace(), np.ones(len(X)) if weight is None else weight
    for _ in range(2):  # A workspace that was used before changes nothing.
        block = Block(0, X, weight)
        scores = kernel.scores(kernel.prepare(block, workspace), workspace)
        L = scores.L + scores.left_out()
        np.testing.assert_allclose(L.T, mixture.log_joint(X), **close)
    R = mixture.responsibilities(X) * w[:, None]
    total = total_moments(rows, extent, mixture.covariances.form)
    for over, given in ((Expected(kernel), None), (Expected(kernel, SOFT, total=False), total)):
        objective, moments = over.result(rows.fold(over), given)
        np.testing.assert_allclose(objective, mixture.log_density(X) @ w, **close)
        scatters = moments.scatters()
        np.testing.assert_allclose(scatters.mass, R.sum(axis=0), **close)
        means = R.T @ X / R.sum(axis=0)[:, None]
        np.testing.assert_allclose(scatters.means, means, **close)
        Z = X[:, None] - means
        scatter = mixture.covariances.form.of(np.einsum("nk,nki,nkj->kij", R, Z, Z))
        if mixture.covariances.shared:
            scatter = scatter.sum(axis=0, keepdims=True)
        np.testing.assert_allclose(
            scatters.scatter, scatter, rtol=tolerance, atol=tolerance * np.abs(scatter).max() * 10
        )

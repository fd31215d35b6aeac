"""What every covariance model must do: maximise over what it can estimate, and nothing else."""

from collections.abc import Collection

import numpy as np

from gmmem.covariances.base import CovarianceModel, checked_estimate
from gmmem.covariances.structure import structure_error

__all__ = ["check_model"]

SCALES = (1e-140, 1e-9, 1e9, 1e140)

# A direction in which estimates move less, as a share of the most, is rounding.
LEAST_MOVE = 3e-4


def check_model(
    model: CovarianceModel,
    invariances: Collection[str] = (),
    n_features: Collection[int] = (1, 2, 4),
    tolerance: float = 1e-8,
    seed: int = 0,
) -> None:
    """Check the M-step of a covariance model.

    Whatever a model estimates has its structure.  So an estimate must be likelier than all
    others that it has given, from other scatters and from some nearby; must be what it
    estimates from itself; and must move in as many directions as it has parameters.

    Parameters
    ----------
    model : CovarianceModel
        An instance.
    invariances : collection of {"rotations", "units", "order"}, default=()
        What of the features an estimate goes along with: rotating them, scaling each, or
        changing their order.
    n_features : collection of int, default=(1, 2, 4)
        Numbers of features to try.
    tolerance : float, default=1e-8
        In nats a row.
    seed : int, default=0
        Of the scatters.

    Raises
    ------
    AssertionError
        If one of these does not hold.

    Examples
    --------
    >>> from gmmem.covariances import get_model
    >>> from gmmem.testing import check_model
    >>> check_model(get_model("VEE"), invariances=("rotations", "units", "order"))
    """
    rng = np.random.RandomState(seed)
    for d in n_features:
        for K in (1, 2, 4):
            case = _Case(model, rng, K, d)
            case.check_shape()
            case.check_is_likeliest(rng, tolerance)
            case.check_structure()
            case.check_moves_along(rng, invariances, tolerance)
            if K == 2:
                case.check_number_of_parameters(rng)


class _Case:
    """One model, scatters of K components in d features, and what it makes of them."""

    def __init__(self, model: CovarianceModel, rng, K: int, d: int):
        self.model, self.K, self.d = model, K, d
        self.mass = rng.uniform(20, 60, size=K)
        self.W = self.random(rng)
        self.found = self.estimate(self.W)

    def random(self, rng) -> np.ndarray:
        """Scatters as matrices, (K, d, d)."""
        root = np.eye(self.d) + 0.5 * rng.normal(size=(self.K, self.d, self.d))
        root *= np.exp(rng.normal(size=(self.K, 1, 1)))
        return root @ root.transpose(0, 2, 1) * self.mass[:, None, None]

    def estimate(self, W, mass=None, previous=None) -> np.ndarray:
        mass = self.mass if mass is None else mass
        scatter = self.model.storage.form.of(W)
        scatter = scatter.sum(axis=0, keepdims=True) if self.model.shared else scatter
        given = scatter.copy()
        result = checked_estimate(self.model, scatter, mass, self.d, previous)
        np.testing.assert_array_equal(scatter, given, "estimate leaves the scatter as it is")
        assert result.settled, "the inner iteration, if there is one, is to converge here"
        if result.roots is not None:
            squares, scale = result.roots @ result.roots.transpose(0, 2, 1), 1e-12 * abs(W).max()
            np.testing.assert_allclose(result.covariances, squares, 1e-9, scale, err_msg="R R'")
        return result.covariances

    def objective(self, covariances: np.ndarray) -> float:
        """Minus the expected log-likelihood a row, but for a constant."""
        dense = self.model.storage.from_covariances(covariances.copy(), self.d).dense()
        dense = np.broadcast_to(dense, self.W.shape)
        traces = np.trace(np.linalg.solve(dense, self.W), axis1=1, axis2=2)
        total = self.mass @ np.linalg.slogdet(dense)[1] + traces.sum()
        return float(total / self.mass.sum() / 2)

    def check_shape(self):
        stored = 1 if self.model.shared else self.K
        expected = (stored, *self.model.storage.form.shape(self.d))
        assert self.found.shape == expected, f"covariances of shape {expected}"
        if self.model.compact:
            assert self.model.shared, "only what is shared can be shown as one"

    def check_is_likeliest(self, rng, tolerance: float):
        best = self.objective(self.found)
        for size in (np.inf, np.inf, 1.0, 0.1, 0.01, 1e-3):
            W = self.random(rng)
            if np.isfinite(size):
                W = self.W + size * W
            other = self.estimate(W)
            assert best <= self.objective(other) + tolerance, (
                f"{self.model.name}: covariances that it estimates elsewhere are likelier here"
            )
            again = self.objective(self.estimate(self.W, previous=other))
            assert again <= self.objective(other) + tolerance, (
                f"{self.model.name}: worse than the covariances that it started from"
            )

    def check_structure(self):
        error = structure_error(self.model, self.found, self.d)
        assert error is None, f"what it estimates from its own estimate is another: {error}"

    def check_moves_along(self, rng, invariances: Collection[str], tolerance: float):
        """Estimates go along with scale, weights, order of components, and features."""
        best = self.objective(self.found)
        for scale in SCALES:
            scaled = self.estimate(scale * self.W) / scale
            self._same(best, scaled, tolerance, f"scatters times {scale:g}")
            heavier = self.estimate(1e3 * self.W, 1e3 * self.mass)
            self._same(best, heavier, tolerance, "rows of other weight")
        order = rng.permutation(self.K)
        moved = self.estimate(self.W[order], self.mass[order])
        if not self.model.shared:
            moved = moved[np.argsort(order)]
        self._same(best, moved, tolerance, "components in another order")
        d = self.d
        for name, T in {
            "rotations": np.linalg.qr(rng.normal(size=(d, d)))[0],
            "units": np.diag(10.0 ** rng.uniform(-3, 3, size=d)),
            "order": np.eye(d)[rng.permutation(d)],
        }.items():
            if name in invariances:
                other = _Case.__new__(_Case)
                vars(other).update(vars(self), W=T @ self.W @ T.T)
                there = other.objective(other.estimate(other.W))
                expected = best + np.linalg.slogdet(T)[1]
                assert abs(there - expected) <= tolerance, f"{self.model.name}: {name}"

    def _same(self, best: float, covariances: np.ndarray, tolerance: float, what: str):
        assert abs(self.objective(covariances) - best) <= tolerance, f"{self.model.name}: {what}"

    def check_number_of_parameters(self, rng):
        """The rank of the estimate as a function of the scatters."""
        expected = self.model.n_parameters(self.K, self.d)
        # Axes nearly the same, and of unlike lengths, so that none are near to being open.
        axes = np.linalg.qr(rng.normal(size=(self.d, self.d)))[0]
        axes = np.linalg.qr(axes + 0.1 * rng.normal(size=self.W.shape))[0]
        root = axes * (2.0 ** np.arange(self.d) * np.sqrt(self.mass)[:, None])[:, None, :]
        begin = self.estimate(root @ root.transpose(0, 2, 1))
        dense = self.model.storage.from_covariances(begin.copy(), self.d).dense()
        inverse = np.linalg.inv(np.linalg.cholesky(dense))
        moves, step = [], 0.02
        for _ in range(self.K * self.d * (self.d + 1) // 2 + 2):
            E = rng.normal(size=self.W.shape) / self.d
            E = step * (E + E.transpose(0, 2, 1))

            def moved(times, E=E):
                W = root @ (np.eye(self.d) + times * E) @ root.transpose(0, 2, 1)
                found = self.estimate(W, previous=begin)
                there = self.model.storage.from_covariances(found, self.d).dense()
                return (inverse @ there @ inverse.transpose(0, 2, 1)).ravel()

            # A derivative that is right but for the fourth power of the step.
            moves.append((8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step))
        sizes = np.linalg.svd(np.array(moves), compute_uv=False)
        found = int((sizes > LEAST_MOVE * sizes[0]).sum())
        assert found == expected, (
            f"{self.model.name}: its covariances move in {found} directions for K={self.K} and "
            f"d={self.d}, but n_parameters says {expected}"
        )

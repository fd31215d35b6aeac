"""What every initialiser has to do: one driver, for ours and for your own.

Examples
--------
>>> from gmmem.initializers import Hierarchical
>>> from gmmem.testing.initialisers import check_initialiser
>>> check_initialiser(Hierarchical("EII"), deterministic=True)
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gmmem.initializers import Nearest, RandomSoft, Subset, as_assignment
from gmmem.sources.base import Block, Workspace

SCALES = (1e-90, 1e-9, 1 / 3, 1e9, 1e90)


@dataclass(frozen=True, eq=False)
class Start:
    """An answer, as responsibilities of the rows that it is about.

    Parameters
    ----------
    rows : ndarray of shape (m, n_features)
    weight : ndarray of shape (m,)
    shares : ndarray of shape (n_components, m)
    """

    rows: np.ndarray
    weight: np.ndarray
    shares: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """The components' shares of all weight, (n_components,)."""
        return self.shares @ self.weight / self.weight.sum()

    def moments(self) -> np.ndarray:
        """Share of all weight and mean of each component that has rows, sorted."""
        mass = self.shares @ (self.weight / self.weight.sum())
        some = mass > 0
        means = (self.shares * self.weight)[some] @ self.rows / self.weight.sum()
        table = np.c_[mass[some], means / mass[some, None]]
        return table[np.lexsort(table.round(6).T[::-1])]


def start(initialise: Callable, X, n_components: int, weight=None, seed: int = 0) -> Start:
    """Ask an initialiser, and check the kind of its answer."""
    random_state = np.random.RandomState(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = initialise(X, n_components, sample_weight=weight, random_state=random_state)
    rows = X
    if isinstance(answer, Subset):
        rows, weight, answer = np.asarray(answer.rows), answer.weights, answer.labels
        assert rows.shape[1] == X.shape[1]
    weight = np.ones(len(rows)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not isinstance(answer, (Nearest, RandomSoft)):
        answer = np.asarray(answer)
    assign = as_assignment(answer, len(rows), n_components, repr(initialise), X.shape[1])
    block, columns = Block(0, rows, None), getattr(assign, "columns", {})
    if columns:
        block = block._replace(columns={name: all_[: len(rows)] for name, all_ in columns.items()})
    shares = assign(block, Workspace())
    if shares.ndim == 1:
        shares = (shares == np.arange(n_components)[:, None]).astype(np.float64)
    assert shares.shape == (n_components, len(rows))
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)
    return Start(rows.astype(np.float64), weight, shares)


def groups(n: int = 60, d: int = 2, seed: int = 0, dtype=np.float64) -> np.ndarray:
    """Rows in three groups that lie apart."""
    rng = np.random.RandomState(seed)
    return (rng.normal(size=(n, d)) + 9 * (np.arange(n) % 3)[:, None]).astype(dtype)


def check_initialiser(
    initialise: Callable, *, deterministic: bool = False, hard: bool = True
) -> None:
    """Check an initialiser on small data of every kind.

    Parameters
    ----------
    initialise : callable
        ``initialise(X, n_components, *, sample_weight=None, random_state=None)``.
    deterministic : bool, default=False
        Whether it draws nothing at random (on few rows): the order of the rows does not
        matter then.
    hard : bool, default=True
        Whether it answers with labels or centres, which a weight does not change.

    Raises
    ------
    AssertionError
        If it does not do what an initialiser has to.

    Examples
    --------
    >>> from gmmem.initializers import KMeansPlusPlus
    >>> from gmmem.testing import check_initialiser
    >>> check_initialiser(KMeansPlusPlus())
    """
    check_answer(initialise)
    check_reproducible(initialise)
    check_scale_of_weights(initialise)
    if hard:
        check_copies(initialise)
        check_few_distinct_rows(initialise)
    if deterministic:
        check_order_of_rows(initialise)


def check_answer(initialise) -> None:
    """Any number of components and features, either type of number, with weights and without."""
    for dtype in (np.float64, np.float32):
        for d in (1, 2, 5):
            X = groups(d=d, dtype=dtype)
            for n_components in (1, 2, 3, 7):
                start(initialise, X, n_components)
                weight = np.random.RandomState(1).exponential(size=len(X))
                weight[::7] = 0
                start(initialise, X, n_components, weight)
    for scale in (1e-150, 1e-30, 1e30, 1e100, 1e150):
        start(initialise, groups(d=4) * scale, 3)
    start(initialise, groups(d=4, dtype=np.float32) * np.float32(1e37), 3)
    start(initialise, groups(20, d=40), 3)


def check_reproducible(initialise) -> None:
    """The same seed, the same answer."""
    one, other = (start(initialise, groups(), 4, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.shares, other.shares)


def check_scale_of_weights(initialise) -> None:
    """Only ratios of weights count."""
    for integers in (True, False):
        rng = np.random.RandomState(0)
        X = groups()
        weight = rng.randint(1, 5, size=len(X)) * 1.0 if integers else rng.exponential(size=len(X))
        plain = start(initialise, X, 4, weight)
        for scale in SCALES:
            scaled = start(initialise, X, 4, scale * weight)
            np.testing.assert_array_equal(scaled.shares, plain.shares)


def check_copies(initialise) -> None:
    """A weight of w is w copies, which stand beside each other."""
    X = groups()
    for most in (2, 6):
        weight = np.random.RandomState(0).randint(1, most + 1, size=len(X))
        weighted = start(initialise, X, 4, weight.astype(float)).moments()
        copies = start(initialise, X.repeat(weight, axis=0), 4).moments()
        np.testing.assert_allclose(weighted, copies, rtol=1e-9)


def check_few_distinct_rows(initialise) -> None:
    """With fewer distinct rows than components, each is one, and the rest get no row."""
    for d in (1, 2):
        X = groups(3, d).repeat([5, 1, 4], axis=0)
        for weight in (None, np.linspace(1, 2, len(X))):
            found = start(initialise, X, 5, weight)
            assert (found.shares.max(axis=1) > 0).tolist() == [True] * 3 + [False] * 2
            assert len(found.moments()) == 3


def check_order_of_rows(initialise) -> None:
    """Rows in another order fall into the same groups."""
    for d in (1, 2, 5):
        X = groups(d=d)
        order = np.random.RandomState(0).permutation(len(X))
        one, other = start(initialise, X, 4), start(initialise, X[order], 4)
        np.testing.assert_allclose(one.moments(), other.moments(), rtol=1e-9)

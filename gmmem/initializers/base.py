"""What an initialiser is: an E-step without a mixture.

An initialiser is any callable ::

    initialise(X, n_components, *, sample_weight=None, random_state=None)

that returns one of

- labels ``0..n_components-1``, an integer array of shape (n_samples,);
- responsibilities, an array of shape (n_samples, n_components), rows summing to one;
- ``Nearest(centres)``, centres of shape (n_components, n_features): each row goes
  to its nearest centre, whatever the number of rows;
- ``Subset(rows, weights, labels)``: some rows that stand for all, and their labels;
- ``RandomSoft.of(n_samples, n_components, random_state)``: responsibilities at random.

`sample_weight` is None or an array of weights, some of which may be zero; `random_state` is a
``numpy.random.RandomState``.  The engine turns the answer into a mixture by one
M-step.  A component may get no row: the initialisers here leave those over that are
more than the distinct rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gmmem.initializers.nearest import Nearest
from gmmem.sources.base import Block, Workspace

# States of a generator that are kept, and the rows between two of them.
MOST_STATES, LEAST_STRIDE = 2000, 4096


class UnusableAssignment(ValueError):
    """What an initialiser answered does not say which rows belong to which component."""


@dataclass(frozen=True, eq=False)
class Subset:
    """Labels of some rows; the mixture starts from these rows alone.

    Parameters
    ----------
    rows : ndarray of shape (m, n_features)
        Some rows.
    weights : ndarray of shape (m,) or None
        Their weights; None counts each once.
    labels : ndarray of shape (m,)
        Their components, from 0 to ``n_components - 1``.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.initializers import Subset
    >>> def first_rows(X, n_components, *, sample_weight=None, random_state=None):
    ...     return Subset(X[:4], None, [0, 1, 0, 1])
    >>> model = GaussianMixture(2, init_params=first_rows, max_iter=0)
    >>> model.fit([[0.0], [8], [1], [9], [100]]).means_
    array([[0.5],
           [8.5]])
    """

    rows: np.ndarray
    weights: np.ndarray | None
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Hard:
    """Row i belongs to component ``labels[i]``."""

    labels: np.ndarray
    n_components: int
    numbers_a_component: ClassVar[int] = 0

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """What is to travel with the rows."""
        return {"assignment": self.labels}

    def __call__(self, block: Block, workspace: Workspace) -> np.ndarray:
        return block.columns["assignment"]


@dataclass(frozen=True, eq=False)
class Soft:
    """Row i belongs to the components as ``responsibilities[i]`` says."""

    responsibilities: np.ndarray

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """What is to travel with the rows."""
        return {"assignment": self.responsibilities}

    def __call__(self, block: Block, workspace: Workspace) -> np.ndarray:
        return np.ascontiguousarray(block.columns["assignment"].T, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class RandomSoft:
    """Uniform random responsibilities, drawn again where a block asks for them.

    They are those of one table (n_samples, n_components), which is never held.

    Parameters
    ----------
    states : list
        Of the generator, before every `stride` rows.
    stride : int
        Rows between two states.
    n_samples : int
        Number of rows.
    n_components : int
        Number of columns.

    See Also
    --------
    RandomResponsibilities : The initialiser that answers so.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.initializers import RandomSoft
    >>> table = RandomSoft.of(1_000_000, 3, np.random.RandomState(0))
    >>> len(table), table[:1].round(2)
    (1000000, array([[0.29, 0.38, 0.32]]))
    """

    states: list
    stride: int
    n_samples: int
    n_components: int

    @classmethod
    def of(cls, n_samples: int, n_components: int, random_state) -> "RandomSoft":
        """Draw once, which leaves the generator as if the table had been made.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        n_components : int
            Number of columns.
        random_state : numpy.random.RandomState
            Where the numbers come from.

        Returns
        -------
        table : RandomSoft
            Its rows sum to one.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.initializers import RandomSoft
        >>> one, other = np.random.RandomState(0), np.random.RandomState(0)
        >>> table, whole = RandomSoft.of(100, 2, one), other.random_sample((100, 2))
        >>> bool((table[7:9] == whole[7:9] / whole[7:9].sum(axis=1)[:, None]).all())
        True
        >>> one.random_sample() == other.random_sample()
        True
        """
        stride = max(LEAST_STRIDE, n_samples // MOST_STATES)
        states = []
        for first in range(0, n_samples, stride):
            states.append(random_state.get_state())
            _skip(random_state, min(stride, n_samples - first) * n_components)
        return cls(states, stride, n_samples, n_components)

    @property
    def columns(self) -> dict[str, "RandomSoft"]:
        """What is to travel with the rows: a table that is drawn where it is sliced.

        Examples
        --------
        >>> import numpy as np
        >>> from gmmem.initializers import RandomSoft
        >>> table = RandomSoft.of(100, 2, np.random.RandomState(0))
        >>> table.columns["assignment"][10:13].shape
        (3, 2)
        """
        return {"assignment": self}

    def __call__(self, block: Block, workspace: Workspace) -> np.ndarray:
        return np.ascontiguousarray(block.columns["assignment"].T)

    def __len__(self) -> int:
        return self.n_samples

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.n_samples)
        number, skipped = divmod(start, self.stride)
        generator = np.random.RandomState(0)
        generator.set_state(self.states[number])
        _skip(generator, skipped * self.n_components)
        R = generator.random_sample((stop - start, self.n_components))
        R /= R.sum(axis=1)[:, None]
        return R


def _skip(generator: np.random.RandomState, n_numbers: int) -> None:
    for first in range(0, n_numbers, 2**16):
        generator.random_sample(min(2**16, n_numbers - first))


def as_assignment(
    answer, n_samples: int, n_components: int, source: str, n_features: int | None = None
) -> Callable:
    """Check what an initialiser returned, and make it assign blocks of rows.

    Parameters
    ----------
    answer : array-like, Nearest or RandomSoft
        Labels (n_samples,), responsibilities (n_samples, n_components), or what makes them.
    n_samples : int
        Number of rows that it is for.
    n_components : int
        Number of components.
    source : str
        Who gave it, for errors.
    n_features : int, default=None
        What centres must have; None does not look.

    Returns
    -------
    assign : callable
        From a block of rows and a workspace to labels (b,) or responsibilities
        (n_components, b); what it needs of the rows travels with them as ``columns``.

    Raises
    ------
    UnusableAssignment
        If it is neither labels nor responsibilities nor `Nearest`.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.initializers import Nearest, as_assignment
    >>> from gmmem.sources import Block, Workspace
    >>> assign = as_assignment(Nearest([[0.0], [9.0]]), 3, 2, "mine", n_features=1)
    >>> assign(Block(0, np.array([[1.0], [8.0], [2.0]])), Workspace())
    array([0, 1, 0])
    """
    if isinstance(answer, RandomSoft) and answer.n_components == n_components:
        return answer
    if isinstance(answer, Nearest):
        return _check_nearest(answer, n_components, source, n_features)
    array = np.asarray(answer)
    if array.dtype == object:
        array = _as_numbers(array, source)
    if array.shape == (n_samples,):
        return _check_labels(array, n_components, source)
    if array.shape == (n_samples, n_components):
        return _check_table(array, source)
    raise UnusableAssignment(
        f"{source} gave an array of shape {array.shape}; expected labels of shape "
        f"({n_samples},) or responsibilities of shape ({n_samples}, {n_components})."
    )


def _as_numbers(array: np.ndarray, source: str) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise UnusableAssignment(
            f"{source} gave neither labels nor responsibilities nor centres, but {str(array)[:60]}."
        ) from None


def _check_nearest(answer: Nearest, n_components: int, source: str, n_features) -> Nearest:
    centres = _as_numbers(np.asarray(answer.centres), source)
    if centres.ndim != 2 or len(centres) != n_components:
        raise UnusableAssignment(
            f"{source} gave {len(centres) if centres.ndim else 0} centres for "
            f"n_components={n_components}, in an array of shape {centres.shape}."
        )
    if n_features is not None and centres.shape[1] != n_features:
        raise UnusableAssignment(
            f"{source} gave centres with {centres.shape[1]} features, but X has {n_features}."
        )
    if not np.isfinite(centres).all():
        raise UnusableAssignment(f"{source} gave centres that are not finite.")
    return Nearest(centres)


def _check_labels(array: np.ndarray, n_components: int, source: str) -> Hard:
    whole = None
    if array.dtype.kind in "iub" or (array.dtype.kind == "f" and np.isfinite(array).all()):
        whole = array.astype(np.intp, copy=False)
    if whole is None or (array.dtype.kind not in "ib" and not np.array_equal(whole, array)):
        raise UnusableAssignment(f"{source} gave labels that are not whole numbers.")
    if whole.min() < 0 or whole.max() >= n_components:
        raise UnusableAssignment(
            f"{source} gave labels from {whole.min()} to {whole.max()}; "
            f"they must be 0 to n_components - 1 = {n_components - 1}."
        )
    return Hard(whole, n_components)


def _check_table(array: np.ndarray, source: str) -> Soft:
    if array.dtype.kind not in "iufb" or not np.isfinite(array).all() or (array < 0).any():
        raise UnusableAssignment(f"{source} gave responsibilities that are not finite and >= 0.")
    if not np.allclose(array.sum(axis=1), 1, atol=1e-4):
        raise UnusableAssignment(f"{source} gave responsibilities whose rows do not sum to one.")
    return Soft(array)

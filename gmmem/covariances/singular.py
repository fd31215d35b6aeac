"""What is singular: one rule for every model, in the data's own units and directions.

Measured against the covariance T of all rows, in the directions where T is a sphere, so
that neither shifts nor units nor rotations matter, a component is singular if

- it is flat: its least variance is rounding error beside its largest one; or
- it is a point: its largest variance is rounding error of the rows themselves.

A lone row far from all others makes T long, and every other component flat against it: T is
taken without components of about one row, unless they are most of them.

The rows are singular as a whole if T itself is flat: some columns then add up to a constant.
"""

from collections.abc import Sequence

import numpy as np

from gmmem.covariances.base import DegenerateCovariance, Storage

EPS = np.finfo(np.float64).eps

# The least variance that is no rounding error of the largest one, for each feature.
FLAT = 64 * EPS

# The least variance, as a share of the rows' own, that is no rounding error of the rows.
POINT = (64 * EPS) ** 2

# How much of a column's variance other columns may leave unexplained by rounding alone.
DEPENDENT = 1e-13

# Coefficients of a combination below this share of the largest are rounding error.
NOTHING = 1e-6


class SingularRows(DegenerateCovariance):
    """All rows lie in fewer dimensions than there are columns.

    Attributes
    ----------
    coefficients : ndarray of shape (n_features,)
        The combination of columns that is constant.
    """

    def __init__(self, coefficients: np.ndarray, reason: str | None = None):
        self.coefficients = np.asarray(coefficients)
        super().__init__(0, reason or f"is singular, as all rows are: {sentence(coefficients)}")

    def __reduce__(self):
        return type(self), (self.coefficients, self.reason)

    def __str__(self):
        lone = np.count_nonzero(self.coefficients) == 1
        remedy = REMEDY_OF_A_CONSTANT if lone else REMEDY
        return f"X is singular as a whole: {sentence(self.coefficients)}. {remedy}"


REMEDY = (
    "Leave out one of these columns, use a model without orientation (a code that ends in I, "
    '"diag" or "spherical"), or set reg_covar above 0.'
)
REMEDY_OF_A_CONSTANT = "Leave it out, or set reg_covar above 0."


def refuse_singular(storage: Storage, total: np.ndarray) -> None:
    """Raise where a component is singular.

    Parameters
    ----------
    storage : Storage
        The covariances of the components.
    total : ndarray of shape (1, ...)
        Covariance of the rows, in the same form.

    Raises
    ------
    SingularRows
        If the rows are singular as a whole, so far as the storage can see.
    DegenerateCovariance
        If a component is flat, or a point.
    """
    refuse_singular_rows(total)
    relative = _relative(storage, total)
    least, most = relative.min(axis=1), relative.max(axis=1)
    point, flat = ~(most > POINT), ~(least > FLAT * relative.shape[1] * most)
    if point.any():
        reason = "has shrunk to a point, narrower than float64 resolves in these rows"
        raise DegenerateCovariance(int(np.argmax(point)), reason)
    if flat.any():
        reason = "is flat: its rows lie in fewer dimensions than there are columns"
        raise DegenerateCovariance(int(np.argmax(flat)), reason)


def _relative(storage: Storage, total: np.ndarray) -> np.ndarray:
    """Variances relative to the rows'; where these are singular, nothing is regular."""
    try:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            values = storage.relative_to(total)
    except (DegenerateCovariance, np.linalg.LinAlgError):
        return np.zeros((len(storage.factors), storage.n_features))
    return np.where(np.isfinite(values), values, 0)


def refuse_singular_rows(total: np.ndarray) -> None:
    """Raise where all rows lie in fewer dimensions than there are columns.

    Raises
    ------
    SingularRows
        With the combination of columns that is constant.
    """
    coefficients = constant_combination(total[0])
    if coefficients is not None:
        raise SingularRows(coefficients)


def constant_combination(total: np.ndarray) -> np.ndarray | None:
    """A combination of columns that is constant but for rounding, (d,); None if none is.

    Parameters
    ----------
    total : ndarray of shape (), (n_features,) or (n_features, n_features)
        Covariance of all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances.singular import constant_combination, sentence
    >>> X = np.random.RandomState(0).dirichlet(np.ones(3), size=50)
    >>> sentence(constant_combination(np.cov(X.T)))
    'columns 0 to 2 add up to a constant'
    """
    total = np.atleast_1d(total)
    variances = total if total.ndim == 1 else np.diagonal(total)
    constant = np.flatnonzero(~(variances > 0))
    if len(constant):
        return np.eye(len(variances))[constant[0]]
    if total.ndim == 1:
        return None
    scale = np.sqrt(variances)
    correlation = total / scale[:, None] / scale
    for j in range(1, len(correlation)):
        # The first column that those before it determine.
        before, own = correlation[:j, :j], correlation[:j, j]
        weights = np.linalg.solve(before, own)
        if not 1 - own @ weights > DEPENDENT * (1 + np.abs(weights).sum()):
            coefficients = np.zeros(len(scale))
            coefficients[:j], coefficients[j] = -weights / scale[:j], 1 / scale[j]
            return _cleaned(coefficients, scale)
    return None


def _cleaned(coefficients: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Without what is rounding error, and the last one 1."""
    size = np.abs(coefficients) * scale
    kept = np.where(size > NOTHING * size.max(), coefficients, 0)
    kept = kept / kept[np.flatnonzero(kept)[-1]]
    rounded = np.round(kept, 6)
    return np.where(np.abs(kept - rounded) < 1e-6 * np.abs(kept), rounded, kept)


def sentence(coefficients: np.ndarray, names: Sequence[str] | None = None) -> str:
    """What a constant combination says of the columns, in words.

    Examples
    --------
    >>> from gmmem.covariances.singular import sentence
    >>> sentence([0, 1, 0]), sentence([-2, 0, 1], ["mm", "age", "inch"])
    ('column 1 is constant', "column 'inch' is 2 times column 'mm' and a constant")
    """
    coefficients = np.asarray(coefficients, dtype=np.float64)
    columns = np.flatnonzero(coefficients)

    def called(j):
        return str(j) if names is None else repr(str(names[j]))

    if len(columns) == 1:
        return f"column {called(columns[0])} is constant"
    if len(columns) == 2:
        first, last = columns
        times = -coefficients[first] / coefficients[last]
        return f"column {called(last)} is {times:.6g} times column {called(first)} and a constant"
    if np.allclose(coefficients[columns], coefficients[columns[0]]):
        run = names is None and np.array_equal(columns, np.arange(columns[0], columns[-1] + 1))
        listed = f"{columns[0]} to {columns[-1]}" if run else ", ".join(called(j) for j in columns)
        return f"columns {listed} add up to a constant"
    terms = [f"{coefficients[j]:+.6g} x column {called(j)}" for j in columns]
    return f"{' '.join(terms)} is constant"

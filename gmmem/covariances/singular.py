"""What is singular: one rule for every model, in the data's own units.

A covariance is singular if its least variance, in any direction, is rounding error:

- beside its own largest one, both in units in which its columns are equally wide; or
- of the rows: of numbers as large as theirs, added up in that direction.

The first is what float64 keeps of a matrix; the second is how finely the rows are known, so
that a component that shrinks onto copies, or is flat in a direction in which the rows add up
to a constant, is found wherever they lie.  Neither looks at how wide other components or all
rows are: clusters may be as far apart, and a row as far from all others, as float64 can tell.

A component that is flat in one direction need not shrink where volumes are equal: it then
becomes longer and longer in the others, beyond all rows, and never ends.  So one whose share
of the variance is more than there is within the components, though it is as flat as rounding
beside that, is singular too.

Shifts change nothing but the rounding of the rows, units change nothing, and rotations
nothing but by a factor of the number of columns.

The rows are singular as a whole if some columns add up to a constant: so do they in every
component, and beyond the components.
"""

from collections.abc import Sequence

import numpy as np

from gmmem.covariances.storage import EPS, FLAT, DegenerateCovariance, Storage
from gmmem.moments import Scatters

# How many roundings of the rows a standard deviation must exceed.
ROUNDINGS = 2

# How many times the variance within all components a component may add to it.
LONG = 10

# How much of a column's variance other columns may leave unexplained by rounding alone.
DEPENDENT = 1e-13

# Coefficients that are whole numbers but for this share are meant to be.
WHOLE = 1e-5

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

    def told(self, names: Sequence[str] | None = None) -> str:
        """What is wrong, with the names of the columns, and what to do."""
        lone = np.count_nonzero(self.coefficients) == 1
        remedy = REMEDY_OF_A_CONSTANT if lone else REMEDY
        return f"X is singular as a whole: {sentence(self.coefficients, names)}. {remedy}"

    def explained(self, names: Sequence[str] | None = None) -> str:
        """The same, for whom nothing else is said to."""
        return f"{self.told(names)} Or set reg_covar above 0."

    def __str__(self):
        return self.explained()


class Collapsed(DegenerateCovariance):
    """A component that became a point or flat, while all rows are neither.

    Parameters
    ----------
    component : int
    reason : str
    place : ndarray of shape (n_features,) or None
        Where a component of its own covariance is.
    coefficients : ndarray of shape (n_features,) or None
        The combination of columns that is constant in it; None where it is a point.
    """

    def __init__(self, component, reason, place=None, coefficients=None):
        super().__init__(component, reason)
        self.place, self.coefficients = place, coefficients
        self.args = (self.told(),)

    def __reduce__(self):
        return type(self), (self.component, self.reason, self.place, self.coefficients)

    def told(self, names: Sequence[str] | None = None) -> str:
        """What is wrong and where, with the names of the columns."""
        told = f"The covariance of component {self.component} {self.reason}"
        if self.coefficients is not None:
            told += f"; within it {in_short(self.coefficients, names)}"
        if self.place is None:
            return f"{told}."
        values = [f"{_called(j, names)} = {value:.6g}" for j, value in enumerate(self.place)]
        more = ", ..." if len(values) > MOST_TOLD else ""
        return f"{told}; it lies at {', '.join(values[:MOST_TOLD])}{more}."


# Columns that a sentence names.
MOST_TOLD = 5

REMEDY = (
    "Leave out one of these columns, or use a model without orientation (a code that ends in I, "
    '"diag" or "spherical").'
)
REMEDY_OF_A_CONSTANT = "Leave it out."


def rounding(
    largest: np.ndarray, means: np.ndarray, storage: Storage, dtype=np.float64
) -> np.ndarray:
    """How finely rows are known in the place of each covariance, (S, d).

    Parameters
    ----------
    largest : ndarray of shape (n_features,)
        The largest ``|x|`` of each column.
    means : ndarray of shape (n_components, n_features)
    storage : Storage
        The covariances of the components.
    dtype : dtype, default=float64
        What the rows are kept in.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Diagonal
    >>> from gmmem.covariances.singular import rounding
    >>> held = Diagonal.from_covariances(np.ones((1, 1)), 1)
    >>> rounding(np.array([4.0]), np.array([[1.0]]), held) == 4 * np.finfo(float).eps
    array([[ True]])
    """
    far = np.abs(means)
    if storage.shared:
        far = far.min(axis=0, keepdims=True)
    own = np.finfo(dtype).eps * (far + np.sqrt(storage.variances))
    return np.maximum(own, EPS * largest)


def refuse_singular(
    storage: Storage,
    resolution: np.ndarray,
    weights: np.ndarray | None = None,
    spread: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Raise where a covariance is singular.

    Parameters
    ----------
    storage : Storage
        The covariances of the components.
    resolution : ndarray of shape (S, n_features)
        How finely the rows are known, as `rounding` says.
    weights : ndarray of shape (n_components,), optional
        Mixing weights.
    spread : pair of ndarrays of shape (1, ...), optional
        Covariance of all rows, and within the components, in the same form: without them
        a component may be of any length.

    Raises
    ------
    DegenerateCovariance
        If a component is flat, or a point.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances import Diagonal
    >>> from gmmem.covariances.singular import refuse_singular
    >>> held = Diagonal.from_covariances(np.array([[1.0, 1e-6]]), 2)
    >>> refuse_singular(held, np.full((1, 2), 1e-9))
    >>> refuse_singular(held, np.full((1, 2), 1e-3))
    Traceback (most recent call last):
        ...
    gmmem.covariances.storage.DegenerateCovariance: The covariance of component 0 is flat: its ...
    """
    step = ROUNDINGS * resolution
    flat = ~(storage.thinness(step) > 1)
    if flat.any():
        component = int(np.argmax(flat))
        if (np.sqrt(storage.variances[component]) <= step[component]).all():
            reason = "has shrunk to a point, narrower than float64 resolves in these rows"
        else:
            reason = "is flat: its rows lie in fewer dimensions than there are columns"
        raise DegenerateCovariance(component, reason)
    if spread is not None and not storage.shared:
        total, within = spread
        # Flat in the units of the columns, not in directions in which the rows are thin.
        least, most = storage.extremes(_diagonal(total))
        flat = ~(least > FLAT * storage.n_features * most)
        endless = flat & (weights * storage.extremes(within)[1] > LONG)
        if endless.any():
            reason = "is flat: the model makes it longer and longer in other directions"
            raise DegenerateCovariance(int(np.argmax(endless)), reason)


def _diagonal(total: np.ndarray) -> np.ndarray:
    """Without what columns have in common."""
    return total * np.eye(total.shape[-1]) if total.ndim == 3 else total


def refuse_singular_rows(
    total: np.ndarray, within: np.ndarray | None = None, resolution: np.ndarray | None = None
) -> None:
    """Raise where all rows lie in fewer dimensions than there are columns.

    Parameters
    ----------
    total : ndarray of shape (1, ...)
        Covariance of all rows.
    within : ndarray of shape (1, ...), optional
        Covariance within the components: where it is regular, so are the rows, however far
        apart the components are.
    resolution : ndarray of shape (n_features,), optional
        How finely the rows are known.

    Raises
    ------
    SingularRows
        With the combination of columns that is constant.
    """
    if within is not None and constant_combination(within[0], resolution) is None:
        return
    coefficients = constant_combination(total[0], resolution)
    if coefficients is not None:
        raise SingularRows(coefficients)


def constant_combination(
    total: np.ndarray, resolution: np.ndarray | None = None
) -> np.ndarray | None:
    """A combination of columns that is constant but for rounding, (d,); None if none is.

    Parameters
    ----------
    total : ndarray of shape (), (n_features,) or (n_features, n_features)
        Covariance of all rows.
    resolution : ndarray of shape (n_features,), optional
        How finely the rows are known; what they add up to is constant but for that.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances.singular import constant_combination, sentence
    >>> X = np.random.RandomState(0).dirichlet(np.ones(3), size=50)
    >>> sentence(constant_combination(np.cov(X.T)))
    'columns 0 to 2 add up to a constant'
    """
    if total.ndim == 0 and resolution is not None:
        # A trace: of columns only all can be constant.
        all_constant = not total > ROUNDINGS**2 * (resolution @ resolution)
        return np.eye(len(resolution))[0] if all_constant else None
    total = np.atleast_1d(total)
    variances = total if total.ndim == 1 else np.diagonal(total)
    step = np.zeros_like(variances) if resolution is None else ROUNDINGS * resolution
    constant = np.flatnonzero(~(variances > step**2))
    if len(constant):
        return np.eye(len(variances))[constant[0]]
    if total.ndim == 1:
        return None
    scale = np.sqrt(variances)
    correlation, step = total / scale[:, None] / scale, step / scale
    if _is_regular(correlation, step) or not np.isfinite(correlation).all():
        return None
    for j in range(1, len(correlation)):
        # The first column that those before it determine.
        before, own = correlation[:j, :j], correlation[:j, j]
        weights = np.linalg.solve(before, own)
        sizes = np.r_[np.abs(weights), 1]
        if not 1 - own @ weights > _unexplained(sizes, step[: j + 1]):
            coefficients = np.zeros(len(scale))
            coefficients[:j], coefficients[j] = -weights / scale[:j], 1 / scale[j]
            return _cleaned(coefficients, scale)
    return None


def _is_regular(correlation: np.ndarray, step: np.ndarray) -> bool:
    """Whether no column is a combination of those before it, for all of them at once."""
    try:
        lower = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        return False
    pivots = np.diagonal(lower)
    # The rows of the inverse, times its pivot, are minus the coefficients, and a one.
    sizes = np.abs(np.linalg.inv(lower)) * pivots[:, None]
    return bool((pivots**2 > _unexplained(sizes, step)).all())


def _unexplained(sizes: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The variance that rounding leaves to combinations of columns with such coefficients."""
    return DEPENDENT * sizes.sum(axis=-1) + (sizes @ step) ** 2


def _cleaned(coefficients: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Without what is rounding error, and the last one 1."""
    size = np.abs(coefficients) * scale
    kept = np.where(size > NOTHING * size.max(), coefficients, 0)
    kept = kept / kept[np.flatnonzero(kept)[-1]]
    for digits, near in ((6, 1e-6), (0, WHOLE)):
        rounded = np.round(kept, digits)
        kept = np.where(np.abs(kept - rounded) < near * np.abs(kept), rounded, kept)
    return kept


def located(error: DegenerateCovariance, scatters: Scatters, resolution) -> Collapsed:
    """The same, with what the moments say of where and in which direction.

    Parameters
    ----------
    error : DegenerateCovariance
    scatters : Scatters
        What the covariances were estimated from.
    resolution : ndarray of shape (n_features,)
        How finely the rows are known.
    """
    mass, means, scatter, _, lost = scatters
    shared, k = len(scatter) < len(mass), error.component
    own = None if shared else means[k]
    if not shared and lost is not None and lost[k]:
        return Collapsed(k, error.reason)
    covariance = scatter[0] / mass.sum() if shared else scatter[k] / mass[k]
    if covariance.ndim == 0 or not np.isfinite(covariance).all():
        return Collapsed(k, error.reason, own)
    variances = covariance if covariance.ndim == 1 else np.diagonal(covariance)
    if (variances <= (ROUNDINGS * resolution) ** 2).all():
        return Collapsed(k, error.reason, own)
    return Collapsed(k, error.reason, own, narrowest(covariance, resolution))


def narrowest(covariance: np.ndarray, resolution: np.ndarray) -> np.ndarray:
    """The combination of columns that varies least, each in its own width, (d,)."""
    found = constant_combination(covariance, resolution)
    if found is not None:
        return found
    if covariance.ndim == 1:
        return np.eye(len(covariance))[np.argmin(covariance)]
    scale = np.sqrt(np.diagonal(covariance))
    axes = np.linalg.eigh(covariance / scale[:, None] / scale)[1]
    return _cleaned(axes[:, 0] / scale, scale)


def in_short(coefficients: np.ndarray, names: Sequence[str] | None = None) -> str:
    """As `sentence`, of the columns that count most where there are many."""
    columns = np.flatnonzero(coefficients)
    if len(columns) <= MOST_TOLD:
        return sentence(coefficients, names)
    return f"a combination of {len(columns)} columns is constant"


def _called(j: int, names: Sequence[str] | None = None) -> str:
    return f"column {j}" if names is None else str(names[j])


def sentence(coefficients: np.ndarray, names: Sequence[str] | None = None) -> str:
    """What a constant combination says of the columns, in words.

    Examples
    --------
    >>> from gmmem.covariances.singular import sentence
    >>> sentence([0, 1, 0]), sentence([-2, 0, 1], ["mm", "age", "inch"])
    ('column 1 is constant', "column 'inch' is 2 times column 'mm' and a constant")
    >>> sentence([-1, -0.5, 1])
    'column 2 is column 0 + 0.5 times column 1 and a constant'
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
    terms = [_term(-coefficients[j] / coefficients[columns[-1]], called(j)) for j in columns[:-1]]
    told = " ".join(terms).removeprefix("+ ")
    return f"column {called(columns[-1])} is {told} and a constant"


def _term(times: float, name: str) -> str:
    size = "" if abs(times) == 1 else f"{abs(times):.6g} times "
    return f"{'-' if times < 0 else '+'} {size}column {name}"

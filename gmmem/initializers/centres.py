"""Initialisers that place a centre for each component.

Where there are fewer distinct rows than components, each of them is a component's, and
the others get no row: the answer is then labels.
"""

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sklearn import cluster, config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite

from gmmem.compat import check_random_state
from gmmem.initializers.base import Nearest
from gmmem.initializers.seeding import distinct, one_each, seeding_rows
from gmmem.sources.threads import one_blas_thread, one_openmp_thread

# Sizes of numbers whose squares add up without loss, in float32 and float64.
ORDINARY = {np.dtype(np.float32): (1e-12, 1e15), np.dtype(np.float64): (1e-90, 1e120)}

# Where k-means runs on a subset: on how many rows, and how often at most, all runs together on
# that many times `max_samples` rows (measured by benchmarks/subsets.py).
LEAST_DRAWN, DRAWN_OF_EACH, RUNS, ROWS_OF_RUNS = 2500, 250, 4, 3

# Filters of warnings belong to the whole process: one thread at a time may change them.
_FILTERS = threading.Lock()


@dataclass(frozen=True)
class KMeans:
    """k-means from k-means++ seeds (the name "kmeans").

    It runs on one thread, so that the result does not depend on how many there are.

    Parameters
    ----------
    max_samples : int, default=20_000
        Up to so many rows, one run, as scikit-learn's.  With more rows, four runs on a
        random subset, of which the best counts, and every row then goes to the nearest
        centre: that takes less time than one run on all and fails less often.  The subset is
        of 250 rows for each component or each feature, whichever are more: at least 2,500
        and at most `max_samples`, of which there are three runs.

    See Also
    --------
    Hierarchical : Mostly a better start, where rows are few.

    Examples
    --------
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.initializers import KMeans
    >>> X = load_old_faithful()
    >>> model = GaussianMixture(2, init_params=KMeans(max_samples=100), random_state=0).fit(X)
    >>> model.means_[model.means_[:, 0].argsort()].round(1)
    array([[ 2. , 54.5],
           [ 4.3, 80. ]])
    """

    max_samples: int = 20_000

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        random_state = check_random_state(random_state)
        most, size = self.max_samples, max(n_components, np.shape(X)[1])
        drawn = max(min(max(LEAST_DRAWN, DRAWN_OF_EACH * size), most), n_components)
        rows, weights = seeding_rows(X, n_components, sample_weight, most, random_state, drawn)
        if len(rows) < n_components:
            return one_each(X, sample_weight)
        scaled, unit = in_range(rows)
        several = max(1, min(RUNS, ROWS_OF_RUNS * most // len(rows)))
        runs = several if len(X) > max(most, n_components) else 1
        model = cluster.KMeans(n_clusters=n_components, n_init=runs, random_state=random_state)
        with _one_thread(), _FILTERS, warnings.catch_warnings():
            # Where centres coincide, a component gets no row, which is allowed.
            warnings.filterwarnings("ignore", "Number of distinct clusters", ConvergenceWarning)
            model.fit(scaled, sample_weight=weights)
        return model.labels_ if rows is X else Nearest(np.ldexp(model.cluster_centers_, unit))


@dataclass(frozen=True)
class KMeansPlusPlus:
    """The seeds of k-means++, each row to its nearest (the name "k-means++").

    scikit-learn gives responsibility to the seeds alone, and to no other row.

    Parameters
    ----------
    max_samples : int, default=20_000
        With more rows, seeds are drawn from a random subset.

    References
    ----------
    Arthur and Vassilvitskii (2007). k-means++: the advantages of careful seeding. Proceedings
    of the 18th ACM-SIAM Symposium on Discrete Algorithms, 1027-1035.

    Examples
    --------
    The answer is centres, which are rows:

    >>> import numpy as np
    >>> from gmmem.initializers import KMeansPlusPlus
    >>> X = np.array([[0.0], [1], [8], [9]])
    >>> seeds = KMeansPlusPlus()(X, 2, random_state=np.random.RandomState(0)).centres
    >>> bool(np.isin(seeds, X).all()), seeds.shape
    (True, (2, 1))
    """

    max_samples: int = 20_000

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        random_state = check_random_state(random_state)
        rows, weights = seeding_rows(X, n_components, sample_weight, self.max_samples, random_state)
        if len(rows) < n_components:
            return one_each(X, sample_weight)
        scaled, _ = in_range(rows)
        with _one_thread():
            _, places = cluster.kmeans_plusplus(
                scaled, n_components, sample_weight=weights, random_state=random_state
            )
        return Nearest(rows[places])


@dataclass(frozen=True)
class RandomPoints:
    """Distinct rows drawn at random, each row to its nearest ("random_from_data").

    Parameters
    ----------
    max_samples : int, default=20_000
        With more rows, points are drawn from a random subset.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.initializers import RandomPoints
    >>> X = np.array([[5.0], [5], [5], [7]])
    >>> found = RandomPoints()(X, 2, random_state=np.random.RandomState(0))
    >>> np.sort(found.centres.ravel())
    array([5., 7.])
    """

    max_samples: int = 20_000

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        random_state = check_random_state(random_state)
        rows, weights = seeding_rows(X, n_components, sample_weight, self.max_samples, random_state)
        if weights is None:
            drawn = rows[random_state.choice(len(rows), size=n_components, replace=False)]
            if len(distinct(drawn, np.ones(n_components))[0]) == n_components:
                return Nearest(drawn)
            rows, weights = distinct(rows, np.ones(len(rows)))
        if len(rows) < n_components:
            return one_each(X, sample_weight)
        share = weights / weights.sum()
        return Nearest(rows[random_state.choice(len(rows), n_components, replace=False, p=share)])


@contextmanager
def _one_thread() -> Iterator[None]:
    """scikit-learn on one thread, and without a look at rows that `in_range` has looked at."""
    with one_blas_thread(), one_openmp_thread(), config_context(assume_finite=True):
        yield


def in_range(rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Rows in a unit, a power of two, in which squares add up; and which power.

    No digit changes, and rows of ordinary size stay as they are.

    Raises
    ------
    ValueError
        If not all are finite.
    """
    size = max(float(rows.max()), -float(rows.min()))
    if not math.isfinite(size):
        assert_all_finite(rows, input_name="X")
    if size == 0 or _ordinary(size, rows.dtype):
        return rows, 0
    rows = rows.astype(np.float64)
    if _ordinary(size, rows.dtype):
        return rows, 0
    unit = int(np.frexp(size)[1])
    return np.ldexp(rows, -unit), unit


def _ordinary(size: float, dtype: np.dtype) -> bool:
    least, most = ORDINARY.get(dtype, (np.inf, 0))
    return least < size < most

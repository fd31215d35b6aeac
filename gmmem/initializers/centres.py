"""Initialisers that place a centre for each component."""

from dataclasses import dataclass

import numpy as np
from sklearn import cluster
from sklearn.utils import check_random_state

from gmmem.initializers.base import Nearest
from gmmem.initializers.seeding import distinct, seeding_rows


@dataclass(frozen=True)
class KMeans:
    """k-means from k-means++ seeds (the name "kmeans").

    Parameters
    ----------
    max_samples : int, default=20_000
        Up to so many rows, one run, as scikit-learn's.  With more rows, three runs on
        a random subset, of which the best counts, and every row then goes to the
        nearest centre: that takes less time than one run on all and fails less often.
    """

    max_samples: int = 20_000

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        random_state = check_random_state(random_state)
        rows, weights = seeding_rows(X, n_components, sample_weight, self.max_samples, random_state)
        runs = 3 if len(X) > max(self.max_samples, n_components) else 1
        model = cluster.KMeans(n_clusters=n_components, n_init=runs, random_state=random_state)
        model.fit(rows, sample_weight=weights)
        return model.labels_ if rows is X else Nearest(model.cluster_centers_)


@dataclass(frozen=True)
class KMeansPlusPlus:
    """The seeds of k-means++, each row to its nearest (the name "k-means++").

    scikit-learn gives responsibility to the seeds alone, and to no other row.

    Parameters
    ----------
    max_samples : int, default=20_000
        With more rows, seeds are drawn from a random subset.
    """

    max_samples: int = 20_000

    def __call__(self, X, n_components, *, sample_weight=None, random_state=None):
        random_state = check_random_state(random_state)
        rows, weights = seeding_rows(X, n_components, sample_weight, self.max_samples, random_state)
        seeds, _ = cluster.kmeans_plusplus(
            rows, n_components, sample_weight=weights, random_state=random_state
        )
        return Nearest(seeds)


@dataclass(frozen=True)
class RandomPoints:
    """Distinct rows drawn at random, each row to its nearest ("random_from_data").

    Parameters
    ----------
    max_samples : int, default=20_000
        With more rows, points are drawn from a random subset.
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
        share = weights / weights.sum()
        return Nearest(rows[random_state.choice(len(rows), n_components, replace=False, p=share)])

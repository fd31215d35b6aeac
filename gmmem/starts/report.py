"""What several starts came to: how many reached the best, and how different the others are."""

from typing import NamedTuple

import numpy as np

from gmmem import prediction
from gmmem.mixture import Mixture
from gmmem.sources.base import Rows

# Likelihoods a row that differ by less are those of the same optimum.
WITHIN = 0.01

# Rows on which partitions are compared.
COMPARED = 1_000


class StartsReport(NamedTuple):
    """How the ends of several starts compare, the best first."""

    n_starts: int
    """Those that ended without a collapse."""
    n_best: int
    """Those within 0.01 nats a row of the best."""
    shortfall: np.ndarray
    """Nats a row below the best, sorted, (n_starts,)."""
    agreement: np.ndarray
    """Adjusted Rand index between each partition and the best one, (n_starts,)."""


def compared(
    best: Mixture, mixtures: list[Mixture], means: list[float], rows: Rows
) -> StartsReport:
    """Compare the ends of several starts.

    Parameters
    ----------
    best : Mixture
        The one that was kept.
    mixtures : list of Mixture
        All of them.
    means : list of float
        Their log-likelihoods a row.
    rows : Rows
        Where their partitions are compared.
    """
    shortfall = max(means) - np.array(means)
    labels = prediction.labels(best, rows)
    agreement = np.array([rand_index(labels, prediction.labels(m, rows)) for m in mixtures])
    order = np.argsort(shortfall, kind="stable")
    n_best = int((shortfall < WITHIN).sum())
    return StartsReport(len(mixtures), n_best, shortfall[order], agreement[order])


def rand_index(one: np.ndarray, other: np.ndarray) -> float:
    """Adjusted Rand index of two partitions, labels from 0 on."""
    size = int(other.max()) + 1
    table = np.bincount(one * size + other, minlength=(int(one.max()) + 1) * size)
    table = table.reshape(-1, size)
    within, rows, columns, every = (
        float((counts * (counts - 1.0) / 2).sum())
        for counts in (table, table.sum(axis=1), table.sum(axis=0), table.sum())
    )
    by_chance, most = rows * columns / every if every else 0.0, (rows + columns) / 2
    return 1.0 if most == by_chance else (within - by_chance) / (most - by_chance)

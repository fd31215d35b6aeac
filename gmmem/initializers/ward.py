"""Agglomeration for EII between clusters of equal mass: Ward's, which SciPy has in C."""

import numpy as np
from scipy.cluster.hierarchy import linkage


def agglomerate_ward(means: np.ndarray) -> np.ndarray:
    """The merges, (m - 1, 2), as `agglomerate` gives them."""
    m = len(means)
    merges = np.empty((m - 1, 2), dtype=np.intp)
    if m == 1:
        return merges
    # A cluster is called after its first member; SciPy counts on from m.
    first = np.concatenate([np.arange(m), np.empty(m - 1, dtype=np.intp)])
    for step, (i, j) in enumerate(linkage(means, "ward")[:, :2].astype(np.intp)):
        pair = first[i], first[j]
        merges[step] = min(pair), max(pair)
        first[m + step] = min(pair)
    return merges

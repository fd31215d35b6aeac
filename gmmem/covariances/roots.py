"""Square roots of scatters: of a thin matrix they keep twice the digits.

Beside a variance of one, a matrix resolves variances of 1e-16, and a root of it deviations
of 1e-16, which are variances of 1e-32.  So whatever M-steps do with thin scatters they do
with roots, of which all columns may have units of their own.
"""

import numpy as np
from scipy.linalg.lapack import dgejsv, dpstrf, dsyevd

from gmmem.covariances.storage import EPS

# Where the least variance is a smaller share of the largest, it is found by itself.
GRADED = 1e-6


def root(matrices: np.ndarray) -> np.ndarray:
    """R with ``W = R R'`` for each of some scatters, (K, d, d).

    They are lower triangular, but for those of lower rank: there the last columns are zero,
    and what is rounding error beside the other columns counts as zero.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances.roots import root
    >>> R = root(np.array([[[1e20, 1.0], [1.0, 1e-20]]]))
    >>> R @ R.transpose(0, 2, 1)
    array([[[1.e+20, 1.e+00],
            [1.e+00, 1.e-20]]])
    """
    try:
        roots = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) > 1:
            half = len(matrices) // 2
            return np.concatenate([root(matrices[:half]), root(matrices[half:])])
        return _of_lower_rank(matrices[0])[None]
    noise = matrices.shape[-1] * EPS * matrices.diagonal(0, 1, 2)
    flat = roots.diagonal(0, 1, 2) ** 2 <= noise
    if flat.any():
        for k in np.flatnonzero(flat.any(axis=1)):
            roots[k] = _of_lower_rank(matrices[k])
    return roots


def _of_lower_rank(matrix: np.ndarray) -> np.ndarray:
    """By Cholesky's factorisation with pivots, in units in which columns are equally wide."""
    scale = np.sqrt(np.maximum(np.diagonal(matrix), 0))
    unit = np.where(scale > 0, scale, 1)
    factor, order, rank, _ = dpstrf(matrix / unit[:, None] / unit, lower=1)
    lower = np.zeros_like(matrix)
    lower[order - 1, :rank] = np.tril(factor)[:, :rank]
    return scale[:, None] * lower


def eigen(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances along the axes (K, d), longest first, and the axes, one a column.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem.covariances.roots import eigen
    >>> values, axes = eigen(np.array([[[1e30, 0.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 2.0]]]))
    >>> values
    array([[1.e+30, 3.e+00, 1.e+00]])
    """
    values, axes = _ascending(matrices)
    values, axes = np.maximum(values[:, ::-1], 0), axes[:, :, ::-1]
    graded = values[:, -1] < GRADED * values[:, 0]
    if graded.any():
        for k in np.flatnonzero(graded):
            values[k], axes[k] = _graded(matrices[k], values[k], axes[k])
    return values, axes


def _ascending(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As NumPy gives them; one matrix alone in less time."""
    if len(matrices) == 1:
        values, axes, failed = dsyevd(matrices[0])
        if not failed:
            return values[None], axes[None]
    return np.linalg.eigh(matrices)


def _graded(
    matrix: np.ndarray, values: np.ndarray, axes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same with every digit, where columns have different units: by Jacobi's rotations.

    Of ``W = R R'`` the singular values of R' are found one relative to the other, and not
    all relative to the largest (Drmac and Veselic 2008, LAPACK's gejsv).
    """
    if not np.isfinite(matrix).all():
        return values, axes
    singular, _, turned, scale, _, failed = dgejsv(root(matrix[None])[0].T, joba=0, jobu=3, jobv=0)
    if failed:
        return values, axes
    return (singular * (scale[0] / scale[1])) ** 2, turned

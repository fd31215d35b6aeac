"""M-steps at sixty digits: what every model's objective is at best, and what it is somewhere.

Closed forms, or a convex function of volumes alone.  (EVE and VVE have neither.)
"""

import itertools
from decimal import Decimal, getcontext

import numpy as np

getcontext().prec = 60


def _exact(matrix):
    return [[x if isinstance(x, Decimal) else Decimal(float(x)) for x in row] for row in matrix]


def square(R):
    """``R R'``."""
    rows = _exact(R)
    return [[sum(a * b for a, b in zip(one, other, strict=True)) for other in rows] for one in rows]


def _cholesky(A):
    d = len(A)
    L = [[Decimal(0)] * d for _ in range(d)]
    for i in range(d):
        for j in range(i + 1):
            rest = A[i][j] - sum(L[i][k] * L[j][k] for k in range(j))
            L[i][j] = rest.sqrt() if i == j else rest / L[j][j]
    return L


def log_det(A):
    return 2 * sum(row[i].ln() for i, row in enumerate(_cholesky(A)))


def _trace_solve(S, W):
    """``trace(inv(S) W)``."""
    L, d = _cholesky(S), len(S)

    def forward(b):
        y = []
        for i in range(d):
            y.append((b[i] - sum(L[i][k] * y[k] for k in range(i))) / L[i][i])
        return y

    half = [forward([W[i][j] for i in range(d)]) for j in range(d)]
    return sum(forward([half[j][i] for j in range(d)])[i] for i in range(d))


def objective(scatter, mass, covariances):
    """``sum_k n_k log |S_k| + tr(inv(S_k) W_k)``."""
    return sum(
        Decimal(float(n)) * log_det(_exact(S)) + _trace_solve(_exact(S), _exact(W))
        for W, n, S in zip(scatter, mass, covariances, strict=True)
    )


def eigenvalues(matrix):
    """Largest first, by Jacobi's rotations."""
    A, d = _exact(matrix), len(matrix)
    for _ in range(60):
        off = [A[i][j] ** 2 / (A[i][i] * A[j][j] or 1) for i in range(d) for j in range(i)]
        if max(map(abs, off), default=0) <= Decimal(10) ** -80:
            break
        for p, q in itertools.combinations(range(d), 2):
            if A[p][q] ** 2 <= abs(A[p][p] * A[q][q]) * Decimal(10) ** -90:
                continue
            half = (A[q][q] - A[p][p]) / (2 * A[p][q])
            t = (1 if half >= 0 else -1) / (abs(half) + (half * half + 1).sqrt())
            c = 1 / (t * t + 1).sqrt()
            s = t * c
            for row in A:
                row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
            A[p], A[q] = (
                [c * a - s * b for a, b in zip(A[p], A[q], strict=True)],
                [s * a + c * b for a, b in zip(A[p], A[q], strict=True)],
            )
    return sorted((A[i][i] for i in range(d)), reverse=True)


def least(code, scatter, mass):
    """The least that `objective` can be for a model of three letters, but EVE and VVE."""
    n = [Decimal(float(m)) for m in mass]
    N, d = sum(n), len(scatter[0])
    constant = N * d

    def summed(weights):
        return [
            [sum(w * Decimal(float(W[i][j])) for w, W in zip(weights, scatter, strict=True))
             for j in range(d)]
            for i in range(d)
        ]  # fmt: skip

    if code in ("EEE", "VVV", "EVV", "VEE"):
        log_dets = [log_det(_exact(W)) for W in scatter]
        if code == "EEE":
            return N * (log_det(summed([1] * len(n))) - d * N.ln()) + constant
        if code == "VVV":
            return sum(k * (x - d * k.ln()) for k, x in zip(n, log_dets, strict=True)) + constant
        if code == "EVV":
            return N * d * (sum((x / d).exp() for x in log_dets) / N).ln() + constant
        return _least_over_volumes(n, d, lambda w: log_det(summed(w)))
    if code in ("EEV", "VEV"):
        values = [eigenvalues(W) for W in scatter]
    else:
        values = [[Decimal(float(W[j][j])) for j in range(d)] for W in scatter]
    if code == "EII":
        return constant * (sum(map(sum, values)) / constant).ln() + constant
    if code == "VII":
        return sum(k * d * (sum(v) / (k * d)).ln() for k, v in zip(n, values, strict=True)) + (
            constant
        )
    if code in ("EEI", "EEV"):
        return N * sum((sum(v[j] for v in values) / N).ln() for j in range(d)) + constant
    if code == "VVI":
        return sum(k * (x / k).ln() for k, v in zip(n, values, strict=True) for x in v) + constant
    if code == "EVI":
        sizes = [(sum(x.ln() for x in v) / d).exp() for v in values]
        return constant * (sum(sizes) / N).ln() + constant
    assert code in ("VEI", "VEV")
    return _least_over_volumes(
        n,
        d,
        lambda w: sum(sum(a * v[j] for a, v in zip(w, values, strict=True)).ln() for j in range(d)),
    )


def _least_over_volumes(n, d, log_det):
    """Least of ``d sum_k n_k t_k + N log |sum_k exp(-t_k) W_k|``, convex in the t_k."""
    N, K, h = sum(n), len(n), Decimal("1e-18")

    def value(t):
        alone = d * sum(a * b for a, b in zip(n, t, strict=True)) / N
        return alone + log_det([(-x).exp() for x in t])

    def moved(t, *which):
        return value([x + h * which.count(k) for k, x in enumerate(t)])

    t = [Decimal(0)] * K
    for _ in range(100):
        here, ahead = value(t), [moved(t, k) for k in range(K)]
        curves = [
            [float((moved(t, i, j) - ahead[i] - ahead[j] + here) / h / h) for j in range(K)]
            for i in range(K)
        ]
        slopes = [float((value_ahead - here) / h) for value_ahead in ahead]
        step = -np.linalg.pinv(np.array(curves), rcond=1e-12) @ slopes
        step *= min(1, 2 / max(np.abs(step).max(), 2))
        while value([x + Decimal(s) for x, s in zip(t, step, strict=True)]) > here:
            step = step / 2
            if np.abs(step).max() < 1e-15:
                break
        t = [x + Decimal(s) for x, s in zip(t, step, strict=True)]
        if np.abs(step).max() < 1e-14:
            break
    return N * value(t) - N * d * N.ln() + N * d

"""Variational Bayes by its definition: one row at a time, in plain loops, with dense matrices.

Every covariance type is the same model, in which each component has a precision matrix of its
own with a Wishart prior; what differs is which Wishart distributions q may be.  Of the best
inverse scale of q "tied" keeps the mean over the components, "diag" the diagonal, "spherical"
the mean of that.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, logsumexp, multigammaln, xlogy
from scipy.stats import beta

LOG_TWO_PI = np.log(2 * np.pi)


@dataclass
class Belief:
    """q of weights, means and precisions, or the prior of them."""

    process: bool
    concentration: np.ndarray
    kappa: np.ndarray
    means: np.ndarray
    freedom: np.ndarray
    inverse_scales: np.ndarray
    """Dense, (K, d, d)."""

    @property
    def precisions(self):
        return np.array(
            [nu * np.linalg.inv(s) for nu, s in zip(self.freedom, self.inverse_scales, strict=True)]
        )

    @property
    def log_precisions(self):
        """Expected log-determinants."""
        d, found = self.means.shape[1], []
        for nu, inverse_scale in zip(self.freedom, self.inverse_scales, strict=True):
            sum_of_digammas = sum(digamma((nu - i) / 2) for i in range(d))
            log_det = np.log(np.linalg.det(inverse_scale))
            found.append(sum_of_digammas + d * np.log(2) - log_det)
        return np.array(found)

    @property
    def log_weights(self):
        """Expected logarithms."""
        c = self.concentration
        if not self.process:
            return digamma(c) - digamma(c.sum())
        return [
            digamma(c[0, k])
            - digamma(c[:, k].sum())
            + sum(digamma(c[1, j]) - digamma(c[:, j].sum()) for j in range(k))
            for k in range(c.shape[1])
        ]

    @property
    def weights(self):
        """Expected, made to sum to one."""
        c = self.concentration
        means = c / c.sum(axis=0)
        if self.process:
            means = np.array([v * np.prod(means[1, :k]) for k, v in enumerate(means[0])])
        return means / means.sum()


def dense(values, d):
    """Matrices (S, d, d) of those that a storage keeps."""
    if np.ndim(values) == 1:
        values = np.repeat(values[:, None], d, axis=1)
    return np.array([np.diag(v) for v in values]) if np.ndim(values) == 2 else values


def read(posterior, process):
    """The package's posterior."""
    (K, d), nu = posterior.means.shape, posterior.degrees_of_freedom
    covariances = dense(posterior.covariances.covariances, d)
    inverse_scales = covariances * nu[:, None, None]
    times = K // len(nu)
    return Belief(
        process,
        posterior.concentration,
        posterior.mean_precision,
        posterior.means,
        np.repeat(nu, times),
        np.repeat(inverse_scales, times, axis=0),
    )


def read_prior(prior, process, K):
    """The package's prior."""
    d, a = len(prior.mean), prior.weights.concentration
    concentration = np.array([[1.0] * K, [a] * K]) if process else np.full(K, a)
    scale = np.asarray(prior.scale, dtype=float)[None]
    return Belief(
        process,
        concentration,
        np.full(K, prior.mean_precision),
        np.repeat(prior.mean[None], K, axis=0),
        np.full(K, prior.degrees_of_freedom),
        np.repeat(dense(scale, d), K, axis=0),
    )


@dataclass
class Row:
    """What is believed of one row's label and of its missing values."""

    weight: float
    log_sum: float
    shares: np.ndarray
    expected: np.ndarray
    """Of all features, by each component, (K, d)."""
    remains: np.ndarray
    """The covariances that are left, zero where a value is known, (K, d, d)."""
    n_missing: int


def of_row(belief, x, weight=1.0):
    """The best q of the label and the missing values of a row that has a value."""
    K, d = belief.means.shape
    o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
    scores, expected, remains = [], [], []
    for k in range(K):
        P, z = belief.precisions[k], x[o] - belief.means[k, o]
        left = np.linalg.inv(P[np.ix_(m, m)])
        seen = P[np.ix_(o, o)] - P[np.ix_(o, m)] @ left @ P[np.ix_(m, o)]
        whole, rest = x.copy(), np.zeros((d, d))
        whole[m] = belief.means[k, m] - left @ P[np.ix_(m, o)] @ z
        rest[np.ix_(m, m)] = left
        expected.append(whole)
        remains.append(rest)
        scores.append(
            belief.log_weights[k]
            + 0.5 * belief.log_precisions[k]
            - 0.5 * d * LOG_TWO_PI
            - 0.5 * d / belief.kappa[k]
            - 0.5 * z @ seen @ z
            + 0.5 * np.log(np.linalg.det(2 * np.pi * left))
        )
    total = logsumexp(scores)
    shares = np.exp(np.array(scores) - total)
    return Row(weight, total, shares, np.array(expected), np.array(remains), len(m))


def e_step(belief, X, weight=None):
    """q of all rows that have a value."""
    weight = np.ones(len(X)) if weight is None else weight
    return [of_row(belief, x, w) for x, w in zip(X, weight, strict=True) if not np.isnan(x).all()]


def m_step(prior, rows, covariance_type, ridge=0.0):
    """The best q of the parameters that the covariance type allows."""
    K, d = prior.means.shape
    mass = np.array([sum(row.weight * row.shares[k] for row in rows) for k in range(K)])
    kappa, means, inverse_scales = prior.kappa + mass, np.empty((K, d)), np.empty((K, d, d))
    for k in range(K):
        first = sum(row.weight * row.shares[k] * row.expected[k] for row in rows)
        means[k] = (prior.kappa[k] * prior.means[k] + first) / kappa[k]
        away = prior.means[k] - means[k]
        inverse_scales[k] = prior.inverse_scales[k] + prior.kappa[k] * np.outer(away, away)
        inverse_scales[k] += ridge * mass[k] * np.eye(d)
        for row in rows:
            z = row.expected[k] - means[k]
            inverse_scales[k] += row.weight * row.shares[k] * (np.outer(z, z) + row.remains[k])
    freedom = prior.freedom + mass
    if covariance_type == "tied":
        freedom = np.full(K, freedom.mean())
        inverse_scales = np.repeat(inverse_scales.mean(axis=0, keepdims=True), K, axis=0)
    if covariance_type == "diag":
        inverse_scales = np.array([np.diag(np.diag(each)) for each in inverse_scales])
    if covariance_type == "spherical":
        inverse_scales = np.array([np.trace(each) / d * np.eye(d) for each in inverse_scales])
    if prior.process:
        later = np.array([mass[k + 1 :].sum() for k in range(K)])
        concentration = prior.concentration + np.stack([mass, later])
    else:
        concentration = prior.concentration + mass
    return Belief(prior.process, concentration, kappa, means, freedom, inverse_scales)


def log_wishart_constant(freedom, inverse_scale):
    """Log of the integral of the density but for its constant."""
    d = len(inverse_scale)
    log_det = -np.log(np.linalg.det(inverse_scale))
    return 0.5 * freedom * (d * np.log(2) + log_det) + multigammaln(freedom / 2, d)


def entropy(rows):
    """Of labels and missing values."""
    total = 0.0
    for row in rows:
        total -= row.weight * xlogy(row.shares, row.shares).sum()
        for share, remains in zip(row.shares, row.remains, strict=True):
            m = np.flatnonzero(np.diag(remains))
            left = 2 * np.pi * np.e * remains[np.ix_(m, m)]
            total += row.weight * share * 0.5 * np.log(np.linalg.det(left))
    return total


def lower_bound(prior, belief, rows):
    """E[log p(X, Z, theta)] - E[log q(Z, missing)] - E[log q(theta)], no constant left out."""
    (K, d), total = belief.means.shape, entropy(rows)
    log_w, log_P, P = belief.log_weights, belief.log_precisions, belief.precisions
    for k in range(K):
        for row in rows:
            z = row.expected[k] - belief.means[k]
            squares = z @ P[k] @ z + np.trace(P[k] @ row.remains[k]) + d / belief.kappa[k]
            each = log_w[k] + 0.5 * (log_P[k] - d * LOG_TWO_PI - squares)
            total += row.weight * row.shares[k] * each
        away = belief.means[k] - prior.means[k]
        squares = prior.kappa[k] * (d / belief.kappa[k] + away @ P[k] @ away)
        total += 0.5 * (d * np.log(prior.kappa[k] / belief.kappa[k]) - squares + d)
        for each, sign in ((prior, 1), (belief, -1)):
            nu, inverse_scale = each.freedom[k], each.inverse_scales[k]
            expected = 0.5 * (nu - d - 1) * log_P[k] - 0.5 * np.trace(inverse_scale @ P[k])
            total += sign * (expected - log_wishart_constant(nu, inverse_scale))
    return total - divergence_of_weights(prior, belief)


def divergence_of_weights(prior, belief):
    """Kullback-Leibler divergence of what is believed of the weights from the prior."""
    q, p = belief.concentration, prior.concentration
    if not belief.process:
        q, p = q[:, None], p[:, None]
    total = 0.0
    for ours, theirs in zip(q.T, p.T, strict=True):
        log_norms = [gammaln(c.sum()) - gammaln(c).sum() for c in (ours, theirs)]
        logs = digamma(ours) - digamma(ours.sum())
        total += log_norms[0] - log_norms[1] + (ours - theirs) @ logs
    return total


def left_out(prior, rows):
    """What the package's bound leaves out: the priors' constants, and powers of pi."""
    (K, d), n = prior.means.shape, sum(row.weight for row in rows)
    total = -0.5 * n * d * LOG_TWO_PI + K * 0.25 * d * (d - 1) * np.log(np.pi)
    for k in range(K):
        total += 0.5 * d * np.log(prior.kappa[k])
        total -= log_wishart_constant(prior.freedom[k], prior.inverse_scales[k])
    p = prior.concentration if prior.process else prior.concentration[:, None]
    return total + sum(gammaln(c.sum()) - gammaln(c).sum() for c in p.T)


def log_density_of_weights(belief, drawn):
    """Of sticks or weights that were drawn, (n, K)."""
    c = belief.concentration
    if belief.process:
        return beta.logpdf(drawn, *c[:, None]).sum(axis=1)
    return gammaln(c.sum()) - gammaln(c).sum() + np.log(drawn) @ (c - 1)


def log_weights_of(belief, drawn):
    """Logarithms of the weights that drawn sticks, or weights, stand for."""
    if not belief.process:
        return np.log(drawn)
    broken = np.log1p(-drawn).cumsum(axis=1)
    return np.log(drawn) + np.pad(broken[:, :-1], ((0, 0), (1, 0)))

"""Covariances, scatters and a model of one's own that the tests of this folder share."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gmmem.covariances import FOURTEEN, CovarianceModel, Diagonal, Estimate

CODES = list(FOURTEEN)


@dataclass(frozen=True)
class TwoScales(CovarianceModel):
    """A user's model: in all components, one variance for odd and one for even features."""

    name: ClassVar[str] = "TwoScales"
    storage: ClassVar[type] = Diagonal
    shared: ClassVar[bool] = True
    aligned: ClassVar[bool] = True

    def n_parameters(self, n_components, n_features):
        return min(2, n_features)

    def estimate(self, scatter, mass, n_features, previous):
        variances = scatter / mass.sum()
        for first in range(min(2, n_features)):
            variances[:, first::2] = variances[:, first::2].mean()
        return Estimate(variances)


EVERY = [*FOURTEEN.values(), TwoScales()]


def rotation(rng, d):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def of_structure(code, rng, K=3, d=3, ratio=10.0):
    """Random covariances (K, d, d) that a code of three letters ties as it says."""
    volume = np.exp(rng.normal(size=K))
    shape = ratio ** rng.uniform(-0.5, 0.5, size=(K, d))
    axes = np.array([rotation(rng, d) for _ in range(K)])
    parts = [volume, shape, axes]
    for letter, part in zip(code, parts, strict=True):
        if letter == "E":
            part[:] = part[0]
    if code[1] == "I":
        shape[:] = 1
    if code[2] == "I":
        axes[:] = np.eye(d)
    shape /= np.exp(np.log(shape).mean(axis=1, keepdims=True))
    root = axes * np.sqrt(volume[:, None] * shape)[:, None, :]
    return root @ root.transpose(0, 2, 1)


def scatters(rng, K, d, ratio, kind):
    """Scatters (K, d, d) whose variances span a ratio, and masses (K,).

    Their axes are unrelated ("free"), the same ("common"), or nearly so ("near").
    """
    mass, together = rng.uniform(20, 200, size=K), rotation(rng, d)
    W = np.empty((K, d, d))
    for k in range(K):
        values = ratio ** rng.uniform(size=d)
        values[rng.permutation(d)[:2]] = 1, ratio
        axes = {
            "free": rotation(rng, d),
            "common": together,
            "near": np.linalg.qr(together + 0.03 * rng.normal(size=(d, d)))[0],
        }[kind]
        root = axes * np.sqrt(values * mass[k])
        W[k] = root @ root.T
    return W, mass


def contains(larger, smaller):
    """Whether every covariance structure of `smaller` is one of `larger`."""
    order = {"I": 0, "E": 1, "V": 2}
    return all(order[a] >= order[b] for a, b in zip(larger, smaller, strict=True))

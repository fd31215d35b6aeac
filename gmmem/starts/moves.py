"""Split and merge: from one mixture to another of as many components, without a pass.

An end of EM that is not the best puts one component on several clusters and several on one
(Chen, Song, Xi and Zhang 2024): two of those are to become one, and one two.  Both act on the
moments,

    merged:  S_a + S_b              split:  S_j  ->  S_j1 + S_j2

which is the same for every covariance model: the M-step makes a mixture of what comes out.
What a move is worth is bounded before it is tried.  For a split by the gain of two components
in the likelihood of the rows of j, weighted by their responsibilities (by Jensen's inequality
the likelihood of all rows gains no less); for a merger by Runnalls' bound on what is lost,

    B_ab = (m_a + m_b)/2 log|C_ab| - m_a/2 log|C_a| - m_b/2 log|C_b|.
"""

from dataclasses import dataclass, replace

import numpy as np

from gmmem.covariances import CovarianceModel, DegenerateCovariance
from gmmem.moments import Moments
from gmmem.starts.splits import Split


@dataclass(frozen=True, eq=False)
class Move:
    """Merge components `pair`, split component `split`."""

    pair: tuple[int, int]
    split: int
    net: float
    """What it is estimated to gain, in log-likelihood, total."""


def merge_losses(moments: Moments, model: CovarianceModel) -> np.ndarray:
    """Runnalls' bound for every pair, (K, K), infinite on the diagonal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = _merge_losses(moments, model)
    np.fill_diagonal(losses, np.inf)
    return np.where(np.isnan(losses), np.inf, losses)


def _merge_losses(moments: Moments, model: CovarianceModel) -> np.ndarray:
    mass, means, scatter, form, _ = moments.scatters()
    K, d = means.shape
    if len(scatter) < K:
        # One shared: what the means are apart, in units of it.
        gaps = means - means[:, None]
        try:
            within = model.storage.from_covariances(scatter / mass.sum(), d)
            whitened = np.stack([within.whiten(0, gap.T, np.empty((d, K))) for gap in gaps])
            distance = np.einsum("kjl,kjl->kl", whitened, whitened)
        except DegenerateCovariance:  # Nothing but a prior is within: in units of the columns.
            width = np.abs(gaps).max(axis=(0, 1))
            distance = np.square(gaps / np.where(width > 0, width, 1)).sum(axis=-1)
        losses = 0.5 * np.multiply.outer(mass, mass) / np.add.outer(mass, mass) * distance
    else:
        first, second = np.triu_indices(K, 1)
        share = mass[first] * mass[second] / (mass[first] + mass[second])
        apart = form.square((means[first] - means[second]) * np.sqrt(share)[:, None])
        both = scatter[first] + scatter[second] + apart
        half_mass = 0.5 * mass
        own = half_mass * _log_det(scatter, mass, d)
        total = mass[first] + mass[second]
        bound = 0.5 * total * _log_det(both, total, d) - own[first] - own[second]
        losses = np.full((K, K), np.inf)
        losses[first, second] = losses[second, first] = bound
    return losses


def _log_det(scatter: np.ndarray, mass: np.ndarray, d: int) -> np.ndarray:
    """Of the covariances, (K,)."""
    if scatter.ndim == 1:
        return d * np.log(scatter / d / mass)
    if scatter.ndim == 2:
        return np.log(scatter / mass[:, None]).sum(axis=1)
    return np.linalg.slogdet(scatter / mass[:, None, None])[1]


def moved(moments: Moments, move: Move, split: Split) -> Moments:
    """The moments after a move; `moments` about a common centre."""
    a, b = move.pair
    two = split.moments.about(moments.centre)
    mass, first = moments.mass.copy(), moments.first.copy()
    mass[a], first[a] = mass[a] + mass[b], first[a] + first[b]
    if len(moments.second) == len(mass):
        second = moments.second.copy()
        second[a] = second[a] + second[b]
        second[move.split], second[b] = two.second
    else:
        second = moments.second  # The sum over all components stays what it is.
    mass[move.split], mass[b] = two.mass
    first[move.split], first[b] = two.first
    return replace(moments, mass=mass, first=first, second=second)


def expanded(moments: Moments, splits: list[Split]) -> Moments:
    """The moments of more components: each that can be split, as two."""
    where = [k for k, each in enumerate(splits) if each.moments is not None]
    if not where:
        return moments
    pairs = [splits[k].moments.about(moments.centre) for k in where]
    mass, first, second = moments.mass.copy(), moments.first.copy(), moments.second
    mass[where] = [two.mass[0] for two in pairs]
    first[where] = [two.first[0] for two in pairs]
    # Of one component, a sum over all looks the same; of two it does not.
    if len(pairs[0].second) == 2:
        second = second.copy()
        second[where] = [two.second[0] for two in pairs]
        second = np.concatenate([second, [two.second[1] for two in pairs]])
    return replace(
        moments,
        mass=np.append(mass, [two.mass[1] for two in pairs]),
        first=np.vstack([first, [two.first[1] for two in pairs]]),
        second=second,
    )


def pruned(moments: Moments, model: CovarianceModel, n_components: int) -> Moments:
    """The moments of fewer components: those merged that lose least by Runnalls' bound.

    Pairs of which none shares a component are merged at once, half of what is too much at a
    time; `moments` about a common centre.
    """
    while (surplus := len(moments.mass) - n_components) > 0:
        losses = merge_losses(moments, model)
        K = len(losses)
        first, second = np.triu_indices(K, 1)
        into = np.arange(K)
        taken, most = np.zeros(K, dtype=bool), -(-surplus // 2)
        for pair in np.argsort(losses[first, second]):
            a, b = first[pair], second[pair]
            if not (taken[a] or taken[b]):
                taken[a] = taken[b] = True
                into[b], most = a, most - 1
                if most == 0:
                    break
        kept = np.flatnonzero(into == np.arange(K))
        gone = np.flatnonzero(into != np.arange(K))
        mass, first_moment, second_moment = (
            moments.mass.copy(),
            moments.first.copy(),
            moments.second,
        )
        mass[into[gone]] += mass[gone]
        first_moment[into[gone]] += first_moment[gone]
        if len(second_moment) == K:
            second_moment = second_moment.copy()
            second_moment[into[gone]] += second_moment[gone]
            second_moment = second_moment[kept]
        moments = replace(moments, mass=mass[kept], first=first_moment[kept], second=second_moment)
    return moments


def candidates(losses: np.ndarray, splits: list[Split], most: int) -> list[Move]:
    """Moves by what they are estimated to gain, no pair and no split more than twice."""
    K = len(losses)
    a, b = np.triu_indices(K, 1)
    gains = np.array([each.gain for each in splits])
    possible = np.isfinite(gains)
    net = np.where(possible, gains, 0)[None, :] - losses[a, b][:, None]
    net[:, ~possible] = -np.inf
    rows = np.arange(len(a))
    net[rows, a] = net[rows, b] = -np.inf
    moves: list[Move] = []
    used_pairs: dict[int, int] = {}
    used_splits: dict[int, int] = {}
    for place in np.argsort(-net, axis=None)[: 20 * most]:
        pair, j = divmod(int(place), K)
        value = float(net[pair, j])
        if not np.isfinite(value) or len(moves) == most:
            break
        if used_pairs.get(pair, 0) >= 2 or used_splits.get(j, 0) >= 2:
            continue
        used_pairs[pair] = used_pairs.get(pair, 0) + 1
        used_splits[j] = used_splits.get(j, 0) + 1
        moves.append(Move((int(a[pair]), int(b[pair])), j, value))
    return moves

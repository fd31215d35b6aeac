"""EM that takes several of its steps at once, as a model of EM foresees them.

EM is a map of the moments to themselves, an M-step, then an E-step.  In units of the
information of the complete data (`gmmem.updates.information`) its step ``r`` is the gradient
of the log-likelihood, and its Jacobian ``J`` is symmetric, with eigenvalues of at least 0, and
below 1 near a maximum.  The last few points and their images tell how J acts on what lies
between them: with the differences S of points and D = J S of images,

    J = D (S'D)^-1 D',

and nothing elsewhere, which is Nystroem's approximation of a matrix of that kind.  Then T more
steps of EM lead to

    x + r + J r + ... + J^(T-1) r,

a combination of images, whose M-step is a mixture of the covariance model, whatever the
model.  T is 1, plain EM, until the model foresees the next step; it doubles while it does,
and falls where it does not.  So the path is that of EM, in longer steps.

Where the log-likelihood turns out lower than it was, the plain step is taken after all.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dsyevd

from gmmem.contracts import fulfils
from gmmem.covariances import DegenerateCovariance
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Expectation, Problem
from gmmem.stopping import ROUNDING, UNKNOWN, Remaining
from gmmem.updates.base import Rule, State
from gmmem.updates.information import Chart
from gmmem.updates.plain import Point

# Visits that a model is made of, at least.
ENOUGH = 3

# What is shared by fewer rows than this is not extrapolated.
LEAST_MASS = 1e-3

# Differences that the others explain up to this share of their square tell nothing of their own.
INDEPENDENT = 1e-5

# Where each step gains less than this share of the last, EM is fast.
SLOW = 0.6

# Eigenvalues of J below this do not matter, and near 1 not by how much.
SMALL, STEADY = 1e-3, 1e-9

# Away from a maximum, what EM lets grow grows by at most this a step.
LARGEST_RATE = 1.05

# A component changes by at most this share of its mass and width in one leap, or by as much as
# EM changes it.
REACH = 0.5

# Beyond this the reference of the coordinates is renewed.
NEAR = 0.3

# By how much the horizon moves where the error of what was foreseen, over the last step's
# length, is at most so large.
FORESIGHT = ((0.5, 2.0), (1.0, 1.0), (np.inf, 0.5))


class Visit(NamedTuple):
    """A mixture that EM was at, and where it led."""

    mixture: Mixture
    update: Mixture
    image: Moments
    """Whose M-step the update is, about the same centre as those of the other visits."""
    sums: np.ndarray
    """The same as one vector."""


class Foreseen(NamedTuple):
    """What the next step will be, if the model is right."""

    step: np.ndarray
    unit: float
    """Length of the last step."""


class Memory(NamedTuple):
    """What the next step goes on from."""

    plain: Point
    """What EM goes on to."""
    leap: np.ndarray | None = None
    """What is to be tried first: the share of each image in a combination of all."""
    floor: float = -np.inf
    """The likelihood that a leap must reach."""
    visits: tuple[Visit, ...] = ()
    horizon: float = 1.0
    """T, the steps of EM that a leap stands for."""
    chart: Chart | None = None
    ends: np.ndarray | None = None
    """Coordinates of both mixtures of each visit, (m + 1, 2, n), once there are enough."""
    foreseen: Foreseen | None = None
    remaining: Remaining | None = None
    gain: float = np.inf
    """Of the last step, a row."""


@fulfils(Rule)
@dataclass(frozen=True)
class Extrapolated:
    """EM in leaps that a symmetric model of its Jacobian foresees: monotone, and its path.

    Parameters
    ----------
    depth : int, default=4
        Earlier steps that the model is made of.
    begin : float, default=0.001
        Steps are plain until one gains less than this a row: far away nothing is steady.

    See Also
    --------
    Plain : Without extrapolation.

    References
    ----------
    Jamshidian and Jennrich (1997). Acceleration of the EM algorithm by using quasi-Newton
    methods. Journal of the Royal Statistical Society B 59, 569-587.

    Examples
    --------
    Two components that overlap, from where plain EM needs far more passes:

    >>> import numpy as np
    >>> from gmmem import Mixture, em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> from gmmem.updates import Extrapolated, Plain
    >>> x = np.random.RandomState(0).normal(size=(500, 1)) + np.repeat([0, 2], 250)[:, None]
    >>> problem = Problem.of(InMemory(x), get_model("full"))
    >>> start = Mixture.from_arrays([0.5, 0.5], [[0], [1]], [[[1]]] * 2)
    >>> plain, fast = (
    ...     em.solve(problem, [start], tol=1e-9, max_iter=9999, rule=rule).best
    ...     for rule in (Plain(), Extrapolated()))
    >>> bool(fast.passes < plain.passes / 3 and fast.history[-1] > plain.history[-1] - 1e-6)
    True
    """

    depth: int = 4
    begin: float = 1e-3

    def init(self, problem: Problem, start: Mixture) -> Memory:
        return Memory(Point(start, problem.kernel(start)))

    def step(self, problem: Problem, iteration: int, memory: Memory) -> State:
        leap, passes = _landing(problem, memory), 1
        if leap is not None:
            expectation = problem.expect(*leap)
            if not expectation.objective >= memory.floor:
                leap, passes = None, 2
        if leap is None:
            expectation = problem.expect(*memory.plain)
            if memory.leap is not None:
                memory = memory._replace(horizon=max(memory.horizon / 4, 1), foreseen=None)
        mixture = (leap or memory.plain).mixture
        expectation, update, kernel = problem.improve(expectation, mixture)
        plain = Point(update.mixture, kernel)
        following = self._following(problem, memory, mixture, expectation, plain)
        return State(
            iteration,
            expectation.objective,
            mixture,
            update.mixture,
            update.settled,
            following,
            passes,
            following.remaining,
        )

    def _following(
        self,
        problem: Problem,
        memory: Memory,
        mixture: Mixture,
        expectation: Expectation,
        plain: Point,
    ) -> Memory:
        """What is remembered, and the next leap."""
        total, update, likely = problem.extent.total_weight, plain.mixture, expectation.objective
        gain = (likely - memory.floor) / total
        slow = gain < self.begin and (memory.visits or gain > SLOW * memory.gain)
        if not (slow and min(*mixture.weights, *update.weights) * total >= LEAST_MASS):
            return Memory(plain, floor=likely, gain=gain)
        visits = (*memory.visits, _visit(memory, mixture, update, expectation.moments))
        visits = visits[-self.depth - 1 :]
        if len(visits) < ENOUGH:
            return Memory(plain, None, likely, visits)
        chart, ends, horizon = _located(memory, visits, total)
        following = Memory(plain, None, likely, visits, horizon, chart, ends, None, UNKNOWN)
        step = ends[-1, 1] - ends[-1, 0]
        if step.dot(step) / 2 <= ROUNDING * abs(likely):
            return following._replace(remaining=Remaining(0.0, 0.0))  # The rest is plain, too.
        return _leaping(following, step)


def _visit(memory: Memory, mixture: Mixture, update: Mixture, image: Moments) -> Visit:
    centre = memory.visits[-1].image.centre if memory.visits else image.centre
    if image.centre is not centre and (image.centre != centre).any():
        image = image.about(centre)
    sums = np.concatenate([image.mass, image.first.ravel(), image.second.ravel()])
    return Visit(mixture, update, image, sums)


def _located(
    memory: Memory, visits: tuple[Visit, ...], total: float
) -> tuple[Chart, np.ndarray, float]:
    """A chart of what is near, the coordinates of all visits, and how far the next leap may go."""
    chart, last = memory.chart, visits[-1]
    if chart is None:
        chart = Chart(visits[0].mixture, total)
        ends = _ends(chart, visits)
    else:
        ends = np.concatenate([memory.ends[1 - len(visits) :], _ends(chart, visits[-1:])])
    place, target = ends[-1]
    horizon = _checked(memory.horizon, memory.foreseen, target - place)
    if chart.farthest(place) > NEAR:
        chart = Chart(last.mixture, total)
        ends = _ends(chart, visits)
    return chart, ends, horizon


def _ends(chart: Chart, visits: tuple[Visit, ...]) -> np.ndarray:
    """Coordinates of both mixtures of each visit, (m + 1, 2, n)."""
    mixtures = [end for each in visits for end in (each.mixture, each.update)]
    return chart.of(*mixtures).reshape(len(visits), 2, -1)


def _checked(horizon: float, foreseen: Foreseen | None, step: np.ndarray) -> float:
    """How far the next leap may go, by how well the last step was foreseen."""
    if foreseen is None:
        return horizon
    error = _length(step - foreseen.step) / foreseen.unit
    times = next(times for most, times in FORESIGHT if not error > most)
    return max(times * horizon, 1.0)


def _length(vector: np.ndarray) -> float:
    return math.sqrt(vector @ vector)


class Model(NamedTuple):
    """J on the span of differences of images: its eigenvalues and vectors."""

    rates: list[float]
    """Of the steps of EM along each vector."""
    weights: np.ndarray
    """The vectors as combinations of the differences, (k, m)."""
    vectors: np.ndarray
    """The same in coordinates."""
    along: np.ndarray
    """The last step along each, (k,)."""

    def ahead(self, horizon: float) -> np.ndarray:
        """Along each vector, the step that follows T steps."""
        return np.array([_power(rate, horizon) for rate in self.rates]) * self.along

    def leap(self, horizon: float) -> np.ndarray:
        """Along each vector, what T - 1 more steps add to the last."""
        return np.array([_powers(rate, horizon) - 1 for rate in self.rates]) * self.along

    def remaining(self, step: np.ndarray) -> Remaining:
        """What Newton's method would gain from here, in nats.

        What the model does not see is taken to go as slowly as what it sees.
        """
        slowest = max(self.rates)
        if slowest >= 1:
            return UNKNOWN
        squares = [along * along for along in self.along.tolist()]
        gain = sum(square / (1 - rate) for square, rate in zip(squares, self.rates, strict=True))
        unseen = max(float(step @ step) - sum(squares), 0.0) / (1 - slowest)
        return Remaining((gain + unseen) / 2, slowest**2)


def _power(rate: float, times: float) -> float:
    return math.exp(min(times * math.log(rate), 50))


def _powers(rate: float, times: float) -> float:
    """``1 + rate + rate^2 + ...``, so many of them."""
    slack = 1 - rate
    return times if abs(slack) < STEADY else (1 - _power(rate, times)) / slack


def modelled(differences: np.ndarray, step: np.ndarray) -> Model | None:
    """J from differences of points and of their images, (m, 2, n): S and D."""
    m, _, n = differences.shape
    both = differences.reshape(2 * m, n)
    gram = both.dot(both.T)
    SS, SD, DD = gram[::2, ::2], gram[::2, 1::2], gram[1::2, 1::2]
    if not min(SS.diagonal()) > 0:
        return None
    unit = 1 / np.sqrt(SS.diagonal())
    squares, Q = _eigen(unit[:, None] * SS * unit)
    Q = unit[:, None] * _scaled(Q, squares, INDEPENDENT * squares[-1])
    # Symmetric where EM is a linear map.
    within = Q.T.dot(SD).dot(Q)
    squares, turn = _eigen((within + within.T) / 2)
    Q = Q.dot(_scaled(turn, squares, SMALL))
    if Q.shape[1] == 0:
        return None
    rates, turn = _eigen(Q.T.dot(DD).dot(Q))
    weights = _scaled(Q.dot(turn), rates, SMALL).T
    vectors = weights.dot(differences[:, 1])
    rates = [min(rate, LARGEST_RATE) for rate in rates.tolist() if rate > SMALL]
    return Model(rates, weights, vectors, vectors.dot(step))


def _eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, the smallest first, and vectors: NumPy takes three times as long for it."""
    squares, vectors, _ = dsyevd(matrix)
    return squares, vectors


def _scaled(vectors: np.ndarray, squares: np.ndarray, least: float) -> np.ndarray:
    """The columns whose squares are not small, of length one."""
    if not squares[0] > least:
        vectors, squares = vectors[:, squares > least], squares[squares > least]
    return vectors / np.sqrt(squares)


def _leaping(memory: Memory, step: np.ndarray) -> Memory:
    """With the next leap, or where EM is expected to go on to."""
    model = modelled(memory.ends[:-1] - memory.ends[-1], step)
    if model is None:
        return memory
    chart, horizon, leap = memory.chart, memory.horizon, None
    if horizon > 1:
        reach = max(REACH, chart.farthest(step))
        along = model.leap(horizon)
        while horizon > 1 and chart.farthest(step + along.dot(model.vectors)) > reach:
            horizon = max(horizon / 2, 1)
            along = model.leap(horizon)
        if horizon > 1:
            shares = along.dot(model.weights).tolist()
            leap = np.array([*shares, 1 - sum(shares)])
    foreseen = Foreseen(model.ahead(horizon).dot(model.vectors), _length(step))
    return memory._replace(
        leap=leap, horizon=horizon, foreseen=foreseen, remaining=model.remaining(step)
    )


def _landing(problem: Problem, memory: Memory) -> Point | None:
    """The mixture that a leap leads to, if it is one."""
    if memory.leap is None:
        return None
    last = memory.visits[-1]
    moments = _moments(memory.leap @ np.array([each.sums for each in memory.visits]), last.image)
    if not moments.mass.min() >= LEAST_MASS:
        return None
    try:
        found = problem.maximise(moments, last.mixture).mixture
    except DegenerateCovariance:
        return None
    return Point(found, problem.kernel(found))


def _moments(sums: np.ndarray, like: Moments) -> Moments:
    """Of one vector."""
    K, size = len(like.mass), like.first.size
    mass, first, second = sums[:K], sums[K : K + size], sums[K + size :]
    first, second = first.reshape(like.first.shape), second.reshape(like.second.shape)
    return Moments(mass, like.centre, first, second, like.form, like.outside)

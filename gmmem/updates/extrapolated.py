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

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gmmem.contracts import fulfils
from gmmem.covariances import DegenerateCovariance
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.problem import Expectation, Problem
from gmmem.stopping import ROUNDING, UNKNOWN, Remaining
from gmmem.updates.base import Rule, State
from gmmem.updates.information import Chart
from gmmem.updates.plain import Point

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
    """Whose M-step the update is."""
    sums: np.ndarray
    """The same as one vector, about the means of the chart."""
    place: np.ndarray
    target: np.ndarray
    """Coordinates of both mixtures."""


class Foreseen(NamedTuple):
    """What the next step will be, if the model is right."""

    step: np.ndarray
    unit: float
    """Length of the last step."""


class Memory(NamedTuple):
    """What the next step goes on from."""

    plain: Point
    """What EM goes on to."""
    leap: Point | None = None
    """A mixture further on, to be tried first."""
    floor: float = -np.inf
    """The likelihood that a leap must reach."""
    horizon: float = 1.0
    """T, the steps of EM that a leap stands for."""
    chart: Chart | None = None
    visits: tuple[Visit, ...] = ()
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
        point, expectation, passes = memory.plain, None, 1
        if memory.leap is not None:
            expectation = problem.expect(*memory.leap)
            if expectation.objective >= memory.floor:
                point = memory.leap
            else:
                expectation, passes = None, 2
                memory = memory._replace(horizon=max(memory.horizon / 4, 1), foreseen=None)
        if expectation is None:
            expectation = problem.expect(*point)
        expectation, update, kernel = problem.improve(expectation, point.mixture)
        following = self._following(problem, memory, point.mixture, expectation, update.mixture)
        return State(
            iteration,
            expectation.objective,
            point.mixture,
            update.mixture,
            update.settled,
            following._replace(plain=Point(update.mixture, kernel), floor=expectation.objective),
            passes,
            following.remaining,
        )

    def _following(
        self, problem: Problem, memory: Memory, mixture: Mixture, expectation: Expectation, update
    ) -> Memory:
        """What is remembered, and the next leap."""
        total = problem.extent.total_weight
        gain = (expectation.objective - memory.floor) / total
        least = min(mixture.weights.min(), update.weights.min()) * total
        slow = memory.visits or gain > SLOW * memory.gain
        if not (gain < self.begin and slow and least >= LEAST_MASS):
            return Memory(memory.plain, gain=gain)
        chart = memory.chart or Chart(mixture, total)
        visit = _visit(chart, mixture, update, expectation.moments)
        step = visit.target - visit.place
        horizon = _checked(memory.horizon, memory.foreseen, step)
        visits = (*memory.visits, visit)[-self.depth - 1 :]
        if chart.farthest(visit.place) > NEAR:
            chart = Chart(mixture, total)
            visits = tuple(_visit(chart, *each[:3]) for each in visits)
        memory = Memory(memory.plain, None, -np.inf, horizon, chart, visits, None, UNKNOWN)
        if step @ step / 2 <= ROUNDING * abs(expectation.objective):
            return memory._replace(remaining=Remaining(0.0, 0.0))  # The rest is plain, too.
        return memory if len(visits) < 3 else _leaping(problem, memory)


def _visit(chart: Chart, mixture: Mixture, update: Mixture, image: Moments) -> Visit:
    # About means close to all of theirs: combinations keep their digits.
    sums = _flat(image.about(chart.reference.means))
    return Visit(mixture, update, image, sums, chart.of(mixture), chart.of(update))


def _flat(moments: Moments) -> np.ndarray:
    return np.concatenate([moments.mass, moments.first.ravel(), moments.second.ravel()])


def _moments(sums: np.ndarray, centre: np.ndarray, like: Moments) -> Moments:
    """The inverse of `_flat`."""
    K, size = len(like.mass), like.first.size
    first, second = sums[K : K + size], sums[K + size :]
    return replace(
        like,
        mass=sums[:K],
        centre=centre,
        first=first.reshape(like.first.shape),
        second=second.reshape(like.second.shape),
    )


def _checked(horizon: float, foreseen: Foreseen | None, step: np.ndarray) -> float:
    """How far the next leap may go, by how well the last step was foreseen."""
    if foreseen is None:
        return horizon
    error = _length(step - foreseen.step) / foreseen.unit
    times = next(times for most, times in FORESIGHT if not error > most)
    return max(times * horizon, 1.0)


def _length(vector: np.ndarray) -> float:
    return float(np.sqrt(vector @ vector))


class Model(NamedTuple):
    """J on the span of differences of images: its eigenvalues and vectors."""

    rates: np.ndarray
    """Of the steps of EM along each vector, (k,)."""
    weights: np.ndarray
    """The vectors as combinations of the differences, (k, m)."""
    along: np.ndarray
    """The last step along each, (k,)."""

    def powers(self, horizon: float) -> np.ndarray:
        """What T steps make of the next step along each."""
        return np.exp(np.minimum(horizon * np.log(self.rates), 50))

    def leap(self, horizon: float) -> np.ndarray:
        """What T - 1 more steps add to the last, as a combination of the differences."""
        slack = 1 - self.rates
        steady = np.abs(slack) < STEADY
        steps = (1 - self.powers(horizon)) / np.where(steady, 1, slack)
        steps = np.where(steady, horizon, steps)
        return ((steps - 1) * self.along) @ self.weights

    def remaining(self, step: np.ndarray) -> Remaining:
        """What Newton's method would gain from here, in nats.

        What the model does not see is taken to go as slowly as what it sees.
        """
        slowest = float(self.rates.max())
        if slowest >= 1:
            return UNKNOWN
        squares = self.along**2
        unseen = max(step @ step - squares.sum(), 0.0) / (1 - slowest)
        gain = 0.5 * ((squares / (1 - self.rates)).sum() + unseen)
        return Remaining(float(gain), slowest**2)


def modelled(S: np.ndarray, D: np.ndarray, step: np.ndarray) -> Model | None:
    """J from differences of points and of their images, the rows of S and D."""
    sizes = np.sqrt(np.einsum("ij,ij->i", S, S))
    if not sizes.min() > 0:
        return None
    both = np.concatenate([S, D]) / np.concatenate([sizes, sizes])[:, None]
    gram, m = both @ both.T, len(S)
    squares, Q = np.linalg.eigh(gram[:m, :m])
    Q = _scaled(Q, squares, INDEPENDENT * squares[-1])
    # Symmetric where EM is a linear map.
    within = Q.T @ gram[:m, m:] @ Q
    squares, turn = np.linalg.eigh((within + within.T) / 2)
    Q = Q @ _scaled(turn, squares, SMALL)
    if Q.shape[1] == 0:
        return None
    rates, turn = np.linalg.eigh(Q.T @ gram[m:, m:] @ Q)
    weights = _scaled(Q @ turn, rates, SMALL).T / sizes
    rates = np.minimum(rates[rates > SMALL], LARGEST_RATE)
    return Model(rates, weights, weights @ (D @ step))


def _scaled(vectors: np.ndarray, squares: np.ndarray, least: float) -> np.ndarray:
    """The columns whose squares are not small, of length one."""
    some = squares > least
    return vectors[:, some] / np.sqrt(squares[some])


def _leaping(problem: Problem, memory: Memory) -> Memory:
    """With the next leap, or where EM is expected to go on to."""
    last, chart, horizon = memory.visits[-1], memory.chart, memory.horizon
    S = np.array([each.place for each in memory.visits[:-1]]) - last.place
    D = np.array([each.target for each in memory.visits[:-1]]) - last.target
    step = last.target - last.place
    model = modelled(S, D, step)
    if model is None:
        return memory
    leap = None
    if horizon > 1:
        reach = max(REACH, chart.farthest(step))
        weights = model.leap(horizon)
        while horizon > 1 and chart.farthest(step + weights @ D) > reach:
            horizon = max(horizon / 2, 1)
            weights = model.leap(horizon)
        leap = _landing(problem, memory, weights) if horizon > 1 else None
        horizon = 1.0 if leap is None else horizon
    ahead = model.weights.T @ (model.powers(horizon) * model.along)
    foreseen = Foreseen(ahead @ D, _length(step))
    return memory._replace(
        leap=leap, horizon=horizon, foreseen=foreseen, remaining=model.remaining(step)
    )


def _landing(problem: Problem, memory: Memory, weights: np.ndarray) -> Point | None:
    """The mixture of a combination of images, if it is one."""
    visits, centre = memory.visits, memory.chart.reference.means
    sums = np.append(weights, 1 - weights.sum()) @ np.array([each.sums for each in visits])
    moments = _moments(sums, centre, visits[-1].image)
    if not moments.mass.min() >= LEAST_MASS:
        return None
    try:
        found = problem.maximise(moments, visits[-1].mixture).mixture
    except DegenerateCovariance:
        return None
    return Point(found, problem.kernel(found))

"""EM by hand: an E-step, a start from given shares, states, and a fit from one start."""

from collections.abc import Callable, Iterator
from functools import partial

from gmmem.covariances import CovarianceModel, free_model, get_model
from gmmem.covariances.base import n_stored
from gmmem.em.loop import solve, states
from gmmem.em.outcome import Outcome, Solution
from gmmem.mixture import Mixture
from gmmem.moments import Moments
from gmmem.passes import all_in_one
from gmmem.problem import Problem
from gmmem.sources.base import Rows
from gmmem.stopping import check_limits
from gmmem.updates import PLAIN, Rule, State

# Of one component of incomplete rows, which EM finds in few iterations.
ONE_TOL, ONE_ITERATIONS = 1e-7, 1000


def expect(mixture: Mixture, rows: Rows) -> tuple[float, Moments]:
    """E-step: log-likelihood of the rows, and their expected moments by a mixture.

    The expected moments of parts of the rows add up to those of all.

    Parameters
    ----------
    mixture : Mixture
        What the responsibilities come from.
    rows : Rows
        For instance ``gmmem.sources.InMemory(X)``.

    Returns
    -------
    log_likelihood : float
        Total over the rows, in nats.
    moments : Moments
        Masses, first and second moments of the components.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import InMemory
    >>> rows = InMemory(load_old_faithful())
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> log_likelihood, moments = em.expect(start, rows)
    >>> round(log_likelihood), round(float(moments.mass.sum()))
    (-1381, 272)
    """
    objective, moments, _ = _problem(mixture, rows, None, 0.0, "mixture").expect(mixture)
    return objective, moments


def initial_mixture(
    rows: Rows,
    assign: Callable,
    n_components: int,
    model: CovarianceModel | str,
    *,
    reg_covar: float | str = 0.0,
) -> Mixture:
    """M-step from given shares: how every initialiser becomes a mixture.

    A component without rows gets the covariance within the others and the weight of one row.

    Parameters
    ----------
    rows : Rows
        For instance ``gmmem.sources.InMemory(X)``.
    assign : callable
        ``assign(block, workspace)`` gives responsibilities (n_components, b) or labels (b,);
        what it needs a row travels with the rows as its ``columns``.
    n_components : int
        K, the number of components.
    model : str or CovarianceModel
        How the covariances are tied.
    reg_covar : float or "auto", default=0
        Added to the diagonal of every covariance.

    Returns
    -------
    mixture : Mixture
        Where EM may start.

    Raises
    ------
    DegenerateCovariance
        If a covariance is singular.

    Examples
    --------
    >>> from gmmem import em
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.initializers import Nearest
    >>> from gmmem.sources import InMemory
    >>> rows, assign = InMemory(load_old_faithful()), Nearest([[2, 54], [4, 80]])
    >>> em.initial_mixture(rows, assign, 2, "full").weights.round(2)
    array([0.37, 0.63])
    """
    return Problem.of(rows, get_model(model)).regularised(reg_covar).start(assign, n_components)


def iterate(
    start: Mixture,
    rows: Rows,
    model: CovarianceModel | str | None = None,
    *,
    reg_covar: float | str = 0.0,
) -> Iterator[State]:
    """Generate the states of EM, for ever.

    Parameters
    ----------
    start : Mixture
        Where EM starts.
    rows : Rows
        For instance ``gmmem.sources.InMemory(X)``.
    model : str or CovarianceModel, default=None
        None is the one that ties only what `start` shares.
    reg_covar : float or "auto", default=0
        Added to the diagonal of every covariance.

    Returns
    -------
    states : iterator of State
        One for each iteration.

    Raises
    ------
    DegenerateCovariance
        When an M-step gives a singular covariance.

    Examples
    --------
    >>> from itertools import islice
    >>> from gmmem import Mixture, em
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import InMemory
    >>> rows = InMemory(load_old_faithful())
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> [round(state.log_likelihood) for state in islice(em.iterate(start, rows), 3)]
    [-1381, -1145, -1131]
    """
    return states(_problem(start, rows, model, reg_covar), start)


def _problem(start: Mixture, rows: Rows, model, reg_covar: float, name="start") -> Problem:
    """The problem that a start is for, if it fits."""
    if not isinstance(start, Mixture):
        raise TypeError(
            f"{name} must be a Mixture, not {type(start).__name__}: Mixture.from_arrays makes one, "
            "and mixture_ of a fitted estimator is one."
        )
    model = free_model(start.covariances, start.n_components) if model is None else get_model(model)
    shared = n_stored(model, start.n_components) == 1
    if model.storage is not type(start.covariances) or start.covariances.shared != shared:
        raise ValueError(f"{name} has covariances of another kind than the model {model.name}.")
    problem = Problem.of(rows, model)
    if start.n_features != rows.n_features:
        raise ValueError(f"{name} has {start.n_features} features, the rows {rows.n_features}.")
    return problem.regularised(reg_covar)


def fit(
    start: Mixture,
    rows: Rows,
    model: CovarianceModel | str | None = None,
    *,
    tol: float = 1e-3,
    max_iter: int = 100,
    reg_covar: float | str = 0.0,
    rule: Rule = PLAIN,
) -> Solution:
    """Run EM from `start` until the mean log-likelihood gains less than `tol`.

    Parameters
    ----------
    start : Mixture
        Where EM starts.
    rows : Rows
        For instance ``gmmem.sources.InMemory(X)``.
    model : str or CovarianceModel, default=None
        None is the one that ties only what `start` shares.
    tol : float, default=1e-3
        In nats per unit of row weight.
    max_iter : int, default=100
        Most iterations.
    reg_covar : float or "auto", default=0
        Added to the diagonal of every covariance.
    rule : Rule, default=Plain()
        How EM goes from one state to the next.

    Returns
    -------
    solution : Solution
        The mixture, and how the fit ended.

    Raises
    ------
    ValueError
        If a parameter is not usable.
    DegenerateCovariance
        When the first M-step gives a singular covariance.

    See Also
    --------
    solve : From several starts, with priors, rules and readers.

    Examples
    --------
    >>> from gmmem import Mixture, em
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import InMemory
    >>> rows = InMemory(load_old_faithful())
    >>> start = Mixture.from_arrays([0.5, 0.5], [[2, 54], [4, 80]], [[[1, 0], [0, 99]]] * 2)
    >>> em.fit(start, rows, "VVE").mixture.means.round(1)
    array([[ 2. , 54.5],
           [ 4.3, 80. ]])
    """
    check_limits(tol, max_iter)
    problem = _problem(start, rows, model, reg_covar)
    solution = solve(problem, [start], tol=tol, max_iter=max_iter, rule=rule).solutions[0]
    if solution.mixture is None:
        raise solution.failure
    return solution


def one_component(problem: Problem) -> Outcome:
    """One component by maximum likelihood: at once, or by EM where values are missing.

    Parameters
    ----------
    problem : Problem
        What is fitted.

    Returns
    -------
    outcome : Outcome
        Of one start.

    Examples
    --------
    >>> from gmmem import em
    >>> from gmmem.covariances import get_model
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.problem import Problem
    >>> from gmmem.sources import InMemory
    >>> problem = Problem.of(InMemory(load_old_faithful()), get_model("full"))
    >>> em.one_component(problem).best.mixture.means.round(2)
    array([[ 3.49, 70.9 ]])
    """
    start = partial(problem.start, all_in_one, 1)
    if problem.incomplete is None:
        return solve(problem, [start], tol=0, max_iter=0)
    return solve(problem, [start], tol=ONE_TOL, max_iter=ONE_ITERATIONS)

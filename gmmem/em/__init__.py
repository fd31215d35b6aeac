"""Expectation maximisation: one loop for every model and every source of rows.

    expect:    rows, mixture   ->  log-likelihood, moments      (the only pass)
    maximise:  moments, model  ->  mixture                      (knows no rows)

`iterate` is a generator of states; `fit` is that generator with a stopping
rule; `solve` is `fit` from several starts.  Nothing here warns or prints: a fit
returns a `Solution` with a status.

Examples
--------
Step through EM by hand:

>>> from itertools import islice
>>> from gmmem import Mixture, em
>>> from gmmem.datasets import load_old_faithful
>>> from gmmem.sources import InMemory
>>> rows = InMemory(load_old_faithful())
>>> start = Mixture.from_arrays([0.5, 0.5], [[2, 80], [4, 60]], [[[1, 0], [0, 99]]] * 2)
>>> for state in islice(em.iterate(start, rows), 3):
...     print(state.iteration, round(state.log_likelihood, 1))
0 -1800.6
1 -1287.6
2 -1287.2
"""

from gmmem.em.abreast import solve_abreast, start_abreast, summaries_abreast
from gmmem.em.loop import converge, resume, solve, states, states_after
from gmmem.em.outcome import Outcome, Reader, Solution, Status
from gmmem.em.steps import expect, fit, initial_mixture, iterate, one_component
from gmmem.problem import maximise
from gmmem.updates import State

__all__ = [
    "Outcome",
    "Reader",
    "Solution",
    "State",
    "Status",
    "converge",
    "expect",
    "fit",
    "initial_mixture",
    "iterate",
    "maximise",
    "one_component",
    "resume",
    "solve",
    "solve_abreast",
    "start_abreast",
    "states",
    "states_after",
    "summaries_abreast",
]

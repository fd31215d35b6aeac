"""How much a search tries: numbers that `benchmarks/starts.py` measured to be worth their time."""

from dataclasses import dataclass

from gmmem.sources.base import Rows
from gmmem.updates import PLAIN, Extrapolated, Rule

# Responsibilities that are held at once.
NUMBERS = 2_000_000

# What a responsibility takes besides its sums, in multiplications.
EXPONENTIAL = 20


@dataclass(frozen=True)
class Patience:
    """How long moves from one place are followed.

    Parameters
    ----------
    tries : int
        Moves, the most promising first.
    race : int
        Iterations of EM within which a move must be better than what was.
    near : float
        One that is not on its way there is given up, unless it lacks less than this a row:
        from there EM may cross a plateau.
    rule : Rule
        Of EM.
    """

    tries: int
    race: int
    near: float = 0.0
    rule: Rule = PLAIN


@dataclass(frozen=True)
class Crowd:
    """How many start in the same passes.

    Parameters
    ----------
    work : int
        Multiplications of a pass.
    most : int
    rungs : tuple of (int, float)
        After so many more iterations that share of them goes on.  Fast where what is found on
        some rows is to be followed on more; where there are no more, the longer the better.
    parents : int
        At least so many go on.
    generations, children, growth : int
        How often so many are made of two each, and iterations until the best of all go on.
        There are no more children than half of those that started.
    """

    work: int
    most: int
    rungs: tuple[tuple[int, float], ...]
    parents: int = 1
    generations: int = 0
    children: int = 0
    growth: int = 0


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Parameters
    ----------
    rows, rows_a_number : int
        Rows of the subset: so many, or so many for each coordinate of the centres.
    rows_a_parameter, final_rows : int
        Rows that the best are compared on: so many for each parameter, and no fewer than so
        many.
    work, carried : int
        Starts, and those of them that are moved on from, times the components.
    fewest_starts, most_starts, fewest_carried, most_carried : int
    finalists : int
        Those of the carried that are followed to their end.
    surplus : float
        Components of a start, times those wanted.
    plain : int
        Which start has as many as wanted.
    first, second, third : int
        Iterations from a start: before components are merged, after that, and of the better
        half from there on.
    split_iterations, settle, last : int
        Of a split; of a move when it has helped; of a finalist.
    quick, patient, check : Patience
        Of all that are carried on; of the best, on the same rows; and on more.
    most_moves : int
    worst : float
        The estimated gain a row below which a move is not tried.  Runnalls' bound is a loose
        one: most moves that help have one below zero.
    tol : float
        What a finalist may have left to gain, a row.
    beside : int
        Starts beside a crowd.
    crowd_rows, least_crowd : int
        Rows that a crowd is tried on; if so many do not fit, there is none.
    on_some, on_all : Crowd
        Where there are more rows than those, and where not.
    """

    rows: int = 5_000
    rows_a_number: int = 20
    rows_a_parameter: int = 15
    final_rows: int = 10_000
    work: int = 48
    fewest_starts: int = 4
    most_starts: int = 12
    carried: int = 16
    fewest_carried: int = 1
    most_carried: int = 2
    finalists: int = 2
    surplus: float = 1.75
    plain: int = 1
    first: int = 3
    second: int = 3
    third: int = 6
    split_iterations: int = 4
    settle: int = 3
    last: int = 80
    quick: Patience = Patience(8, 12)
    patient: Patience = Patience(3, 20, 0.03, Extrapolated())
    check: Patience = Patience(3, 6)
    most_moves: int = 60
    worst: float = -0.5
    tol: float = 1e-3
    beside: int = 2
    crowd_rows: int = 2_500
    least_crowd: int = 16
    on_some: Crowd = Crowd(10_000_000, 300, ((6, 0.5), (6, 0.5), (12, 0.25)), 6, 2, 12, 12)
    on_all: Crowd = Crowd(20_000_000, 200, ((12, 0.5), (12, 0.25), (24, 0.0)), 12, 3, 24, 24)

    def n_rows(self, n_components: int, n_features: int) -> int:
        wanted = max(self.rows, self.rows_a_number * n_components * (n_features + 1))
        return min(wanted, self.most_rows(n_components))

    def n_final_rows(self, n_components: int, n_parameters: int) -> int:
        """Enough that what so many parameters gain by chance does not decide.

        That is their number over twice the rows, a row.
        """
        wanted = max(self.final_rows, self.rows_a_parameter * n_parameters)
        return min(wanted, self.most_rows(n_components))

    def most_rows(self, n_components: int) -> int:
        """So that memory stays small."""
        return max(NUMBERS // n_components, self.rows)

    def n_starts(self, n_components: int) -> int:
        """More where they are cheap."""
        return min(max(self.work // n_components, self.fewest_starts), self.most_starts)

    def crowd(self, rows: Rows) -> Crowd:
        return self.on_all if rows.n_rows <= self.crowd_rows else self.on_some

    def n_crowd(self, rows: Rows, n_components: int) -> int:
        """As many as a pass of so much arithmetic has room for."""
        n, d, its = min(rows.n_rows, self.crowd_rows), rows.n_features, self.crowd(rows)
        numbers = n * n_components * ((d + 1) * (d + 2) // 2 + EXPONENTIAL)
        return min(its.work // numbers, its.most)

    def n_carried(self, n_components: int) -> int:
        return min(max(self.carried // n_components, self.fewest_carried), self.most_carried)

    def patience(self, n_rows: int) -> Patience:
        """For the best: where a pass takes longer, moves are checked and no more."""
        return self.patient if n_rows <= self.rows else self.check


EFFORT = Effort()

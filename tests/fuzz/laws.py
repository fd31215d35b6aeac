"""What must hold of every case: a valid model, or a refusal that says why.

`check` runs a case and raises `Broken`, which names the law, or lets through what
`fit` raised though it must not.  The lists `WARNINGS` and `REFUSALS` are all that a
fit may say: a new message of the package goes in here, with when it may come.
"""

import pickle
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from gmmem.covariances import DegenerateCovariance
from gmmem.estimators.advice import ChoiceWarning
from tests.fuzz.density import exact_log_joint, log_sum, rounding
from tests.fuzz.strategies import Case
from tests.fuzz.structure import letters_of, matrices, structure_faults
from tests.problems import DISCRETE, SINGULAR

# Shapes of rows with nothing finer than a hundredth of their spread but what is singular.
COARSE = {*DISCRETE, *SINGULAR, "separate", "noise", "overlapping"}
LARGEST, LEAST_TOTAL, MOST_TOTAL = 1e140, 1e-100, 1e100


class Broken(AssertionError):
    """A law that does not hold."""

    def __init__(self, law: str, detail: str = ""):
        super().__init__(f"{law}: {detail}" if detail else law)
        self.law = law


def require(holds: Any, law: str, detail: Any = "") -> None:
    """Raise `Broken` unless it holds."""
    if not holds:
        raise Broken(law, str(detail))


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of a case without fitting it."""

    case: Case
    X: np.ndarray
    """As scikit-learn reads it, in float64."""
    weight: np.ndarray
    readable: bool
    """Whether scikit-learn's `check_array` takes the rows."""

    @classmethod
    def of(cls, case: Case) -> "Facts":
        weight = case.sample_weight()
        weight = np.ones(case.data.n) if weight is None else weight.astype(np.float64)
        try:
            X = check_array(case.data.rows(), dtype=[np.float64, np.float32])
        except (ValueError, TypeError):
            return cls(case, np.full((case.data.n, case.data.d), np.nan), weight, False)
        return cls(case, X.astype(np.float64), weight, True)

    @property
    def counted(self) -> np.ndarray:
        return self.X[self.weight > 0]

    @property
    def n_distinct(self) -> int:
        return len(np.unique(self.counted, axis=0))

    @property
    def too_large(self) -> bool:
        return bool(np.abs(self.X).max() >= 0.9 * LARGEST)

    @property
    def weighable(self) -> bool:
        return bool(LEAST_TOTAL < self.weight.sum() < MOST_TOTAL)

    @property
    def regularised(self) -> bool:
        """Whether `reg_covar` keeps every covariance from collapsing, as float64 sees it."""
        reg, X = self.case.reg_covar, self.counted
        with np.errstate(over="ignore", under="ignore"):
            variance = np.max(X.std(axis=0) ** 2, initial=0)
            resolved = (1e-13 * np.abs(X).max()) ** 2
            summable = max(reg, variance) * max(1.0, self.weight.sum()) < 1e290
        return summable and reg > 1e-280 and reg >= 1e-9 * variance and reg >= resolved


class Refusal(NamedTuple):
    """A ValueError that may be raised, and when."""

    message: str
    when: Callable[[Facts], bool]


REFUSALS = (
    Refusal(r"infinity|NaN|too large", lambda facts: not facts.readable),
    Refusal(r"hold values beyond|rescale the data", lambda facts: facts.too_large),
    Refusal(r"sample_weight sums to .*rescale", lambda facts: not facts.weighable),
    Refusal(r"at least one non-zero|zero for every row", lambda facts: not facts.weight.any()),
    Refusal(
        r"n_samples >= n_components but got n_components = \d+, n_samples = \d+",
        lambda facts: facts.case.n_components > len(facts.counted),
    ),
    Refusal(
        r"n_components=\d+ is more than the \d+ distinct rows? of X; lower n_components",
        lambda facts: not facts.case.reg_covar and facts.case.n_components > facts.n_distinct,
    ),
    Refusal(r"Increase reg_covar \(now ", lambda facts: not facts.regularised),
    Refusal(
        r"criterion='\w+' is infinite for every candidate",
        lambda facts: facts.case.criterion in ("nec", "aicc"),
    ),
)


class Notice(NamedTuple):
    """A warning that may be given, and when."""

    category: type[Warning]
    message: str
    when: Callable[[Facts], bool] = lambda facts: True


WARNINGS = (
    Notice(ConvergenceWarning, r"initialization did not converge.* max_iter"),
    Notice(ConvergenceWarning, r"inner iteration of the last M-step did not converge"),
    Notice(ConvergenceWarning, r"lost all rows and have weight 0; lower n_components"),
    Notice(ChoiceWarning, r"the most that were tried: try more"),
    Notice(
        ChoiceWarning,
        r"reg_covar=\S+ makes up \S+ of the least variance",
        lambda facts: facts.case.reg_covar > 0,
    ),
    Notice(ChoiceWarning, r"won only because every more flexible model of as many"),
    Notice(ConvergenceWarning, r"best candidate .* did not converge in \d+ iterations"),
    Notice(
        UserWarning,
        r"sample_weight sums to .* so the criteria count n",
        lambda facts: facts.case.search and facts.weight.sum() < len(facts.counted) / 2,
    ),
    Notice(
        ConvergenceWarning,
        r"distinct",
        lambda facts: facts.case.n_components > facts.n_distinct,
    ),
)

# Why a candidate of a search may have dropped out.
REASONS = re.compile(
    "|".join(
        (
            r"The covariance of component \d+ is not (positive definite|finite)",
            r"The covariance of component \d+ is singular to working precision",
            r"The covariance of component \d+ has shrunk to a point",
            r"The covariance of component \d+ is flat",
            r"The covariance of component \d+ could not be decomposed",
            r"The covariance of component \d+ is too narrow",
            r"X is singular as a whole",
            r"The covariance of component \d+ has no rows to be estimated from",
            r"A component lost all its rows",
            r"\d+ rows are fewer than the components",
            r"n_components=\d+ is more than the \d+ distinct rows?",
            r"The log-likelihood rose by less than tol",
            r"max_iter iterations were done",
            r"It could not win any more: stopped after \d+ iterations",
        )
    )
)


def check(case: Case) -> str:
    """Fit a case and hold it to every law; how it ended.

    Raises
    ------
    Broken
        With the name of the law.
    Exception
        What the package raised, where that is none of `REFUSALS`.
    """
    facts, model = Facts.of(case), case.estimator()
    X, weight = case.data.rows(), case.sample_weight()
    for _ in range(case.n_fits):
        before, parameters = dict(vars(model)), model.get_params(deep=False)
        try:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                model.fit(X, sample_weight=weight)
        except ValueError as error:
            check_refusal(error, facts)
            require(vars(model).keys() == before.keys(), "a failure leaves no attribute")
            same = [key for key, value in before.items() if vars(model)[key] is not value]
            require(not same, "a failure changes no attribute", same)
            return "refused"
        check_warnings(heard, facts)
        now = model.get_params(deep=False)
        require(all(now[k] is parameters[k] for k in parameters), "fit changes no parameter")
    require(unchanged(case, X, weight), "fit changes no row and no weight")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if case.search:
            check_search(model, facts)
        check_model(model, X, facts)
    return "fitted"


def unchanged(case: Case, X, weight) -> bool:
    """Whether rows and weights are what they were before the fit."""
    same = np.array_equal(np.asarray(X), np.asarray(case.data.rows()))
    return same and (weight is None or np.array_equal(weight, case.sample_weight()))


def check_refusal(error: ValueError, facts: Facts) -> None:
    """A plain ValueError with one of the messages, at its time."""
    if type(error) not in (ValueError, DegenerateCovariance):
        raise error
    fitting = [refusal for refusal in REFUSALS if re.search(refusal.message, str(error))]
    require(fitting, f"a refusal names what was wrong ({masked(error)})", error)
    apt = any(refusal.when(facts) for refusal in fitting)
    require(apt, f"a refusal comes when there is a reason ({masked(error)})", error)


def check_warnings(heard: list, facts: Facts) -> None:
    """No warning but the documented ones."""
    for warning in heard:
        documented = any(
            issubclass(warning.category, notice.category)
            and re.search(notice.message, str(warning.message))
            and notice.when(facts)
            for notice in WARNINGS
        )
        place = f"{warning.filename.rpartition('/')[2]}:{warning.lineno}"
        said = f"{warning.category.__name__} at {place}, {masked(warning.message)}"
        require(documented, f"no warning but the documented ones ({said})", warning.message)


def masked(message: Any) -> str:
    """The beginning of a message without its numbers: what tells it from others."""
    return re.sub(r"\d[\d.e+-]*", "#", str(message))[:60]


def check_model(model: Any, X: Any, facts: Facts) -> None:
    """A fitted model is a density, and its methods agree with each other and with it."""
    check_attributes(model)
    check_resolved(model, facts)
    check_history(model, facts)
    check_predictions(model, X, facts)
    check_sample(model)


def check_attributes(model: Any) -> None:
    """Finite, of sum one, inverse to each other, of the model's structure."""
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        require(np.isfinite(getattr(model, name)).all(), "attributes are finite", name)
    weights = np.asarray(model.weights_, np.float64)
    eps = np.finfo(model.weights_.dtype).eps
    require((weights >= 0).all(), "weights are at least 0", weights)
    require(abs(weights.sum() - 1) <= 4 * len(weights) * eps, "weights sum to one", weights.sum())
    for law, detail in structure_faults(model):
        raise Broken(law, detail)


def check_resolved(model: Any, facts: Facts) -> None:
    """Without regularisation, no covariance is singular: flat beside the spread of the rows."""
    data = facts.case.data
    plain = facts.case.reg_covar == 0 and model.n_iter_ > 0 and not facts.case.given
    exact = model.covariances_.dtype == np.float64 and abs(data.offset) <= 1e3
    if not (plain and exact and data.shape in COARSE):
        return
    share = facts.weight[facts.weight > 0] / facts.weight.max()
    middle = np.average(facts.counted, axis=0, weights=share)
    deviation = np.sqrt(np.average((facts.counted - middle) ** 2, axis=0, weights=share))
    if letters_of(model)[1] == "I":
        deviation[:] = deviation.max()  # A sphere is as wide in every direction.
    varies = deviation > 1e-14 * np.abs(facts.counted).max(axis=0)
    require(varies.all(), "a column that does not vary is not fitted without reg_covar", deviation)
    S = matrices(model, "covariances_")[model.weights_ > 0] / deviation / deviation[:, None]
    values = np.linalg.eigvalsh(S)
    least, most = values[:, 0].min(), values[:, -1].max()
    singular = least <= 4 * data.d * np.finfo(float).eps
    require(not singular, "no fit is singular without reg_covar", f"eigenvalue {least:.2g}")
    require(most <= 1e4 * data.n, "no component is far longer than the data", f"{most:.2g}")


def check_history(model: Any, facts: Facts) -> None:
    """What is reported of the iterations is consistent, and likelihoods do not fall."""
    history, case = np.array(model.lower_bounds_), facts.case
    # An accelerated search counts passes, of which a leap that is taken back is one more.
    leaps = hasattr(model, "best_estimator_") and model.accelerate
    most = 2 * len(history) if leaps else len(history)
    require(len(history) <= model.n_iter_ <= most, "n_iter_ counts the lower_bounds_")
    require(model.n_iter_ <= max(case.max_iter, 1), "no more iterations than max_iter")
    if len(history):
        require(np.isfinite(history).all(), "likelihoods are finite", history)
        require(model.lower_bound_ == history[-1], "lower_bound_ is the last of lower_bounds_")
    if not case.reg_covar and (model.weights_ > 0).all():
        falls = -np.diff(history, prepend=history[:1])
        worst = falls.max(initial=0)
        # In float32, each is as exact as a row's density is promised to be.
        unit, promised = (1e-9, 0) if model.means_.dtype == np.float64 else (1e-6, 1e-3)
        allowed = unit * np.abs(history).max(initial=1) + promised
        require(worst <= allowed, "the likelihood never falls", worst)


def probes(X: np.ndarray) -> np.ndarray:
    """Rows beside those of the fit: between them, and far from all of them."""
    middle, spread = X.mean(axis=0), np.abs(X - X.mean(axis=0)).max(axis=0)
    return np.array([middle, middle + spread, middle - 30 * spread, X[0] + 1e3 * spread])


def check_predictions(model: Any, X: Any, facts: Facts) -> None:
    """Densities are those of long double; labels, shares and the score follow from them."""
    dtype = model.means_.dtype
    with np.errstate(over="ignore"):
        others = probes(facts.X).astype(dtype)
    for rows, seen, weight in [(X, facts.X, facts.weight), (others, others, None)]:
        if hasattr(model, "feature_names_in_") and rows is others:
            continue  # Without the names, scikit-learn warns.
        density, shares = model.score_samples(rows), model.predict_proba(rows)
        labels = model.predict(rows)
        single = seen.astype(dtype).dtype == np.float32 and dtype == np.float32
        exact = exact_log_joint(model, seen)
        check_density(density, shares, exact, rounding(model, seen, single))
        eps = np.finfo(shares.dtype).eps
        require((shares >= 0).all() and (shares <= 1 + 8 * eps).all(), "shares lie in [0, 1]")
        sums = np.abs(shares.sum(axis=1) - 1)
        require(sums.max() <= 8 * shares.shape[1] * eps, "shares sum to one", sums.max())
        best = shares.max(axis=1) - shares[np.arange(len(labels)), labels]
        require(best.max() <= 16 * eps, "predict is the argmax of predict_proba", best.max())
        if weight is not None:
            mean = np.average(density.astype(np.float64), weights=weight / weight.max())
            score = model.score(rows, sample_weight=facts.case.sample_weight())
            close = abs(score - mean) <= (1e-5 if single else 1e-10) * (1 + np.abs(density).max())
            require(close, "score is the mean of score_samples", (score, mean))


def check_density(density, shares, exact: np.ndarray, unsure: np.ndarray) -> None:
    """Log-densities and shares against long double, to the rounding that is unavoidable."""
    require(np.isfinite(density).all(), "densities are finite", density)
    expected = log_sum(exact)
    error = np.abs(density - expected) - unsure
    worst = int(error.argmax())
    detail = f"row {worst}: {density[worst]} and not {expected[worst]}, +- {unsure[worst]:.1g}"
    require(error[worst] <= 0, "densities are those of long double", detail)
    truth = np.exp(exact - expected[:, None])
    wrong = (np.abs(shares - truth) - 2 * unsure[:, None]).max()
    require(wrong <= 0, "shares are those of long double", wrong)


def check_sample(model: Any) -> None:
    """Draws are finite, of components that there are, and the same from the same seed."""
    X, labels = model.sample(9)
    require(X.shape == (9, model.means_.shape[1]) and labels.shape == (9,), "shape of a sample")
    require(np.isfinite(X).all(), "a sample is finite")
    require((model.weights_[labels] > 0).all(), "no draw from a component of weight 0")
    again = pickle.loads(pickle.dumps(model)).sample(9)[0] if picklable(model) else X
    require(np.array_equal(X, again), "a pickled model draws the same")


def picklable(model: Any) -> bool:
    """Whether all parts are found by name: what is defined in a script is not."""
    return getattr(model.init_params, "__module__", "gmmem") != "__main__"


def check_search(model: Any, facts: Facts) -> None:
    """The best is the best of the table, and none dropped out without a known reason."""
    results, case = model.results_, facts.case
    scores = results[case.criterion]
    best = model.best_index_
    require(len(scores) == case.n_components * len(case.search), "a row for each candidate")
    finite = np.where(np.isfinite(scores), scores, np.inf)
    require(scores[best] == model.best_score_, "best_score_ is the criterion of the best")
    rounding = 1e-10 * max(abs(finite.min()), 1)
    require(scores[best] <= finite.min() + rounding, "the best has the least criterion")
    require(results["status"][best] in ("converged", "max_iter"), "the best was fitted")
    require(model.n_components_ == results["n_components"][best], "n_components_ is the best's")
    for reason in results["reason"]:
        law = f"a candidate's reason is a known one ({masked(reason)})"
        require(REASONS.search(reason), law, reason)
    for name in ("weights_", "means_", "covariances_"):
        same = np.array_equal(getattr(model, name), getattr(model.best_estimator_, name))
        require(same, "attributes are those of the best", name)

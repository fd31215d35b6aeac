"""Imputation on real data sets: error, time, and whether draws are as unsure as they should be.

    python benchmarks/imputation.py            five data sets, 10% and 30% missing, three seeds
    python benchmarks/imputation.py --quick    two of them, one seed

Columns are standardised, and entries removed completely at random.  "error" is the root mean
squared difference from what was removed, in standard deviations of a column: the mean over the
seeds.  "seconds" are of the processor, for a fit and its transform.  Draws: 19 completed data
sets; the least and the largest of them hold what was removed in 90% of cases, if draws are from
the right distribution.  IterativeImputer draws by ``sample_posterior=True``, 19 chains of it;
"refitted" are draws of the Gaussian each from a fit to rows that were drawn again, so that they
are as unsure as the fit is too.  A dash: not done, so that the whole takes bounded time.
"""

import time
import warnings

import numpy as np
from common import arguments, save
from sklearn import datasets
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.preprocessing import StandardScaler

import gmmem

DATA = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
    "breast cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}
QUICK = ("iris", "wine")
SHARES, SEEDS, DRAWS = (0.1, 0.3), 3, 19
# Chains, searches and many fits of 64 columns take longer than all the rest.
MOST_COLUMNS, LONG = 30, ("gmmem, by BIC", "gmmem, refitted")

# Columns are standardised: a thousandth of their variance.
RIDGE = 1e-3


def by_bic(seed):
    """The number of components and their covariances as the rows ask for."""
    search = gmmem.GaussianMixtureIC(range(1, 6), covariance_type=["EEE", "VVV"], reg_covar=RIDGE)
    return gmmem.GaussianMixtureImputer(estimator=search, random_state=seed)


def one_gaussian(seed):
    inner = gmmem.GaussianMixture(reg_covar=RIDGE)
    return gmmem.GaussianMixtureImputer(estimator=inner, random_state=seed)


METHODS = {
    "mean": lambda seed: SimpleImputer(),
    "KNNImputer": lambda seed: KNNImputer(),
    "IterativeImputer": lambda seed: IterativeImputer(random_state=seed),
    "gmmem, one Gaussian": one_gaussian,
    "gmmem, refitted": one_gaussian,
    "gmmem, by BIC": by_bic,
}
COLOURS = ("#999999", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#0072b2")


def load(name):
    """Standardised columns, without those that do not vary."""
    X = DATA[name]().data
    return StandardScaler().fit_transform(X[:, np.ptp(X, axis=0) > 0])


def with_gaps(X, share, seed):
    """Some entries removed, but of no row or column all."""
    rng = np.random.default_rng(seed)
    gone = rng.random(X.shape) < share
    gone[np.arange(len(X)), rng.integers(X.shape[1], size=len(X))] = False
    # A column must vary to be learnt.
    there = rng.integers(len(X), size=(20, X.shape[1]))
    gone[there, np.arange(X.shape[1])] = False
    return np.where(gone, np.nan, X), gone


def error(X, completed, gone):
    return float(np.sqrt(np.mean((completed - X)[gone] ** 2)))


def draws(name, model, X, seed):
    """Completed data sets, or None where a method draws none."""
    if name == "gmmem, refitted":
        rng = np.random.default_rng(seed)
        return np.concatenate([refitted(model, X, rng) for _ in range(DRAWS)])
    if name.startswith("gmmem"):
        return model.impute(X, DRAWS)
    if name == "IterativeImputer":
        chains = [
            IterativeImputer(sample_posterior=True, random_state=DRAWS * seed + draw)
            for draw in range(DRAWS)
        ]
        return np.stack([chain.fit_transform(X) for chain in chains])
    return None


def refitted(model, X, rng):
    """One draw by a fit to rows that were drawn again."""
    again = rng.multinomial(len(X), np.full(len(X), 1 / len(X)))
    return clone(model).fit(X, sample_weight=again).impute(X, 1, rng.integers(2**31))


def coverage(X, drawn, gone):
    """Share of what was removed that lies between the least and the largest draw."""
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    return float(np.mean(((low <= X) & (X <= high))[gone]))


def measure(data, share, seeds):
    """For each method its error, seconds and coverage."""
    X, found = load(data), {name: ([], [], []) for name in METHODS}
    for seed in range(seeds):
        gaps, gone = with_gaps(X, share, seed)
        for name, make in METHODS.items():
            if name in LONG and X.shape[1] > MOST_COLUMNS:
                continue
            began, model = time.process_time(), make(seed)
            completed = model.fit_transform(gaps)
            errors, seconds, covers = found[name]
            seconds.append(time.process_time() - began)
            errors.append(error(X, completed, gone))
            # Chains take long: of one seed.
            short = name.startswith("gmmem")
            if short or (seed == 0 and X.shape[1] <= MOST_COLUMNS):
                drawn = draws(name, model, gaps, seed)
                if drawn is not None:
                    covers.append(coverage(X, drawn, gone))
    return {name: tuple(map(_mean, parts)) for name, parts in found.items()}


def _mean(values):
    return float(np.mean(values)) if values else np.nan


def figure(pyplot, rows):
    """Error of each method over that of the mean, and coverage of the draws."""
    sheet, (left, right) = pyplot.subplots(
        1, 2, figsize=(12, 4.6), layout="constrained", width_ratios=(2, 1)
    )
    labels = [f"{data}\n{share:.0%}" for data, share, _ in rows]
    shown = [name for name in METHODS if name != "gmmem, refitted"]  # Of the same error.
    width = 0.8 / len(shown)
    for name, colour in zip(METHODS, COLOURS, strict=True):
        if name in shown:
            places = np.arange(len(rows)) + (shown.index(name) - len(shown) / 2 + 0.5) * width
            errors = [found[name][0] for _, _, found in rows]
            left.bar(places, errors, width, color=colour, label=name)
        covers = np.array([found[name][2] for _, _, found in rows])
        if np.isfinite(covers).any():
            right.plot(covers, np.arange(len(rows)), "o", color=colour, label=name, alpha=0.8)
    left.set_xticks(range(len(rows)), [label.replace(" ", "\n") for label in labels], fontsize=8)
    left.set(ylabel="error (standard deviations)")
    left.legend(frameon=False, ncols=3, loc="upper left", fontsize=8)
    left.set_ylim(0, 1.6)
    right.axvline(0.9, color="black", linewidth=1, linestyle="--")
    right.set_yticks(range(len(rows)), [label.replace("\n", ", ") for label in labels], fontsize=8)
    right.set(xlabel="share within the range of 19 draws; 0.9 is right", xlim=(0.6, 1))
    right.invert_yaxis()
    right.legend(frameon=False, fontsize=8, loc="lower left")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, axis="y" if ax is left else "both")
    return sheet


def main():
    options = arguments(__doc__, "imputation")
    names = QUICK if options.quick else DATA
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", UserWarning)
    rows = []
    print(f"{'data':14} {'gone':>5} {'method':20} {'error':>6} {'seconds':>8} {'covered':>8}")
    for data in names:
        for share in SHARES:
            found = measure(data, share, 1 if options.quick else SEEDS)
            rows.append((data, share, found))
            for name, (wrong, seconds, covered) in found.items():
                within = "-" if np.isnan(covered) else f"{covered:.3f}"
                line = f"{data:14} {share:5.0%} {name:20} {wrong:6.3f} {seconds:8.2f} {within:>8}"
                print(line.replace("nan", "  -"), flush=True)
    save(options.figure, figure, rows)


if __name__ == "__main__":
    main()

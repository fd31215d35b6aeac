"""Missing values: time of an iteration, memory, what is learnt, and what a search chooses.

    python benchmarks/missing.py            about 10 minutes
    python benchmarks/missing.py --quick    fewer rows and repetitions
    python benchmarks/missing.py --only speed|variational|crossover|memory|held_out|choice

Times are of one thread, in seconds of its processor, and alternate with those on the complete
rows, so that their ratio stands whatever else the machine does.

speed
    One iteration of EM with values missing: 8 patterns, values at random, a pattern for
    every row.
variational
    The same for `BayesianGaussianMixture`; and how many of four clusters a Dirichlet process of
    ten sticks finds (those with a hundredth of the weight), and its adjusted Rand index with
    the truth, by the share that is missing.
crossover
    The same by how many rows a pattern must have for a kernel of its own: where it is least,
    `gmmem.incomplete.FEWEST` should be.
memory
    By how much the peak of the resident memory grows in a fit, in a process of its own.
held_out
    Log-likelihood of rows that are complete and were not fitted, in nats a row: fitted to
    incomplete rows as they are, to those that are complete, and to rows that scikit-learn's
    imputers completed.
choice
    What a search chooses on incomplete rows, beside what it chooses on the complete ones.
"""

import json
import subprocess
import sys
import time
import warnings
from itertools import islice
from pathlib import Path

import numpy as np
from common import arguments, make, save, start_beside
from memory import forget_peak, peak
from sklearn.metrics import adjusted_rand_score

from gmmem import (
    BayesianGaussianMixture,
    GaussianMixture,
    GaussianMixtureIC,
    Mixture,
    em,
    incomplete,
)
from gmmem.covariances import get_model
from gmmem.kernels.patterns import patterns
from gmmem.priors import Ridge
from gmmem.priors.dirichlet import StickBreaking
from gmmem.priors.variational import VariationalPrior
from gmmem.problem import Problem
from gmmem.sources import InMemory
from gmmem.updates.variational import Variational, VariationalProblem

OPTIONS = {
    "only": ("", "one of the parts"),
    "task": ("", "for the script's own subprocess"),
}
SHAPES = [(100_000, 10, 10), (100_000, 10, 3), (20_000, 30, 10), (5_000, 30, 5)]
TYPES = ("full", "tied", "diag", "spherical")


def at_random(X, share, seed=0):
    """Every value with the same probability."""
    X = X.copy()
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return X


def some_patterns(X, number, seed=0):
    """Every row has one of so many patterns, the first of which lacks nothing."""
    rng, X = np.random.default_rng(seed), X.copy()
    masks = np.zeros((number, X.shape[1]), bool)
    for mask in masks[1:]:
        mask[rng.choice(X.shape[1], size=rng.integers(1, 1 + X.shape[1] // 3), replace=False)] = 1
    X[masks[rng.integers(number, size=len(X))]] = np.nan
    return X


MISSING = {
    "8 patterns": lambda X: some_patterns(X, 8),
    "32 patterns": lambda X: some_patterns(X, 32),
    "5% at random": lambda X: at_random(X, 0.05),
    "30% at random": lambda X: at_random(X, 0.3),
}


def running(X, start):
    """EM on some rows, one state at a time."""
    mixture = Mixture.from_arrays(*start[1:], start.covariance_type)
    problem = Problem.of(InMemory(X, n_threads=1), get_model(start.covariance_type), Ridge(1e-6))
    return lambda number: list(islice(em.states(problem, mixture), number))


def believing(X, start):
    """The same of variational Bayes."""
    mixture, d = Mixture.from_arrays(*start[1:], start.covariance_type), X.shape[1]
    model = get_model(start.covariance_type)
    scale = d * mixture.covariances.covariances[0]
    prior = VariationalPrior(StickBreaking(1.0), 1.0, mixture.means.mean(0), d, scale, Ridge(1e-6))
    problem = VariationalProblem.of(InMemory(X, n_threads=1), model, prior)
    posterior = problem.maximise(problem.expect(mixture).moments).mixture
    return lambda number: list(islice(em.states(problem, posterior, Variational()), number))


def seconds(runs, few=2, many=7, repeats=3):
    """Seconds of processor an iteration for each of several, which take turns."""
    best = np.full((len(runs), 2), np.inf)
    for _ in range(repeats):
        for place, run in enumerate(runs):
            for which, number in enumerate((few, many)):
                began = time.process_time()
                run(number)
                best[place, which] = min(best[place, which], time.process_time() - began)
    return (best[:, 1] - best[:, 0]) / (many - few)


def speed(quick, running=running):
    print(
        f"{'rows':>8} {'d':>4} {'K':>4} {'type':10} {'missing':14} {'patterns':>8}"
        f" {'complete, ms':>13} {'missing, ms':>12} {'ratio':>7}"
    )
    found = []
    for n, d, K in SHAPES[:1] if quick else SHAPES:
        X, centres = make(n, d, K)
        for covariance_type in TYPES[:1] if quick else TYPES:
            start = start_beside(centres, covariance_type)
            for name, knock_out in MISSING.items():
                gaps = knock_out(X)
                number = len(patterns(gaps).missing)
                complete, other = seconds([running(X, start), running(gaps, start)])
                found.append((n, d, K, covariance_type, name, other / complete))
                print(
                    f"{n:8} {d:4} {K:4} {covariance_type:10} {name:14} {number:8}"
                    f" {1e3 * complete:13.1f} {1e3 * other:12.1f} {other / complete:7.2f}",
                    flush=True,
                )
    return found


def variational(quick):
    speed(quick, believing)
    number, n = (5, 500) if quick else (20, 2_000)
    for share in (0.0, 0.1, 0.3):
        found = []
        for seed in range(number):
            rng = np.random.default_rng(seed)
            labels = rng.integers(4, size=n)
            X = 6 * np.array([[0, 0, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0]])[labels]
            model = BayesianGaussianMixture(10, max_iter=2_000, random_state=seed)
            gaps = at_random(X + rng.normal(size=X.shape), share, seed)
            model.fit(gaps)
            index = adjusted_rand_score(labels, model.predict(gaps))
            found.append((np.sum(model.weights_ > 0.01), index))
        clusters, index = np.transpose(found)
        print(
            f"{share:4.0%} missing, {number} data sets of {n:,} rows: {clusters.mean():.1f} "
            f"clusters, exactly four in {np.mean(clusters == 4):.0%}, ARI {index.mean():.2f}",
            flush=True,
        )


def crossover(quick):
    for n, d, K in [SHAPES[0], SHAPES[2]] if quick else [*SHAPES, (100_000, 5, 2), (50_000, 50, 5)]:
        X, centres = make(n, d, K)
        start = start_beside(centres, "full")
        for name in ("8 patterns", "32 patterns", "5% at random"):
            gaps, line = MISSING[name](X), []
            for fewest in (25, 50, 100, 200, 400, 800, 1600):
                incomplete.FEWEST = fewest
                line.append(1e3 * seconds([running(gaps, start)], repeats=2)[0])
            print(
                f"{n:8} {d:4} {K:4} {name:14}",
                " ".join(f"{each:7.1f}" for each in line),
                flush=True,
            )


def memory(quick):
    for n, d, K in [(100_000, 10, 10), (1_000_000, 10, 10)][: 1 if quick else 2]:
        for name in ("8 patterns", "5% at random"):
            task = json.dumps([n, d, K, name])
            out = subprocess.run(
                [sys.executable, __file__, "--task", task],
                check=True,
                capture_output=True,
                text=True,
            )
            above, size = json.loads(out.stdout.splitlines()[-1])
            print(f"{n:9} x {d}, K = {K}, {name:14}: {above:6.1f} MiB above X of {size:.1f} MiB")


def remembered(n, d, K, name):
    """In a process of its own: MiB that a fit takes above what there was before."""
    X, _ = make(n, d, K)
    gaps = MISSING[name](X)
    del X
    GaussianMixture(2, max_iter=2, tol=0, random_state=0).fit(gaps[:2000])  # Libraries are loaded.
    forget_peak()
    before = peak()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        GaussianMixture(K, max_iter=5, tol=0, random_state=0).fit(gaps)
    print(json.dumps([(peak() - before) / 2**20, gaps.nbytes / 2**20]))


def data_sets():
    from sklearn import datasets

    rng = np.random.RandomState(0)
    K, d = 5, 6
    axes = np.eye(d) + 0.5 * rng.normal(size=(K, d, d))
    centres = 3 * rng.normal(size=(K, d))
    labels = rng.randint(K, size=4000)
    simulated = centres[labels] + np.einsum("nij,nj->ni", axes[labels], rng.normal(size=(4000, d)))
    yield "simulated", simulated, K, "full"
    yield "iris", datasets.load_iris().data, 3, "full"
    yield "wine", datasets.load_wine().data, 3, "EEE"
    yield "breast cancer", np.log1p(datasets.load_breast_cancer().data[:, :10]), 3, "full"
    yield "diabetes", datasets.load_diabetes().data[:, [0, 2, 3, 4, 5, 6, 7, 8, 9]], 2, "EVE"


def held_out(quick):
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, SimpleImputer

    ways = {
        "as it is": None,
        "mean": SimpleImputer(),
        "iterative": IterativeImputer(random_state=0, max_iter=20),
        "complete rows": "drop",
        "(nothing missing)": "whole",
    }
    print(f"{'data':15} {'missing':>8}", " ".join(f"{name:>18}" for name in ways))
    table = []
    for name, X, K, covariance_type in data_sets():
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        for share in (0.1, 0.3):
            scores = {way: [] for way in ways}
            for seed in range(2 if quick else 10):
                places = np.random.RandomState(seed).permutation(len(X))
                train, test = X[places[len(X) // 3 :]], X[places[: len(X) // 3]]
                gaps = at_random(train, share, seed)
                for way, imputer in ways.items():
                    rows = gaps
                    if imputer == "whole":
                        rows = train
                    elif imputer == "drop":
                        rows = gaps[~np.isnan(gaps).any(axis=1)]
                    elif imputer is not None:
                        rows = imputer.fit_transform(gaps)
                    scores[way].append(score(rows, test, K, covariance_type))
            means = [float(np.nanmedian(values)) for values in scores.values()]
            table.append((name, share, means))
            print(
                f"{name:15} {share:8.0%}", " ".join(f"{mean:18.3f}" for mean in means), flush=True
            )
    return table


def score(rows, test, K, covariance_type):
    """Of a fit by the same start and effort; not a number where there is none."""
    model = GaussianMixture(
        K,
        covariance_type=covariance_type,
        reg_covar=1e-6,
        max_iter=500,
        init_params="hierarchical",
        random_state=0,
        tol=1e-5,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(rows).score(test)
    except ValueError:
        return np.nan


def choice(quick):
    params = dict(n_components=range(1, 7), covariance_type=["EII", "VVI", "EEE", "VVV"])
    number, same = 5 if quick else 20, {}
    for share in (0.05, 0.15, 0.3):
        for seed in range(number):
            rng = np.random.RandomState(seed)
            K, d = 2 + seed % 4, 2 + seed % 3
            labels = rng.randint(K, size=1000)
            axes = np.eye(d) + 0.3 * rng.normal(size=(K, d, d))
            X = 6 * rng.normal(size=(K, d))[labels]
            X = X + np.einsum("nij,nj->ni", axes[labels], rng.normal(size=X.shape))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                complete = GaussianMixtureIC(**params, random_state=0).fit(X)
                found = GaussianMixtureIC(**params, random_state=0).fit(at_random(X, share, seed))
            sizes = same.setdefault(share, [])
            sizes.append(
                (
                    found.n_components_ == complete.n_components_,
                    found.covariance_type_ == complete.covariance_type_,
                )
            )
        size, model = np.mean(same[share], axis=0)
        print(
            f"{share:4.0%} missing, {number} data sets: the same number of components in "
            f"{size:.0%}, the same model in {model:.0%}",
            flush=True,
        )


def draw(pyplot, table):
    figure, axis = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    names = [
        f"{n:,} x {d}, K = {K}\n{kind}"
        for n, d, K, kind, missing, _ in table
        if missing == "8 patterns"
    ]
    for place, missing in enumerate(MISSING):
        ratios = [ratio for *_, name, ratio in table if name == missing]
        axis.bar(np.arange(len(ratios)) + 0.2 * place - 0.3, ratios, 0.2, label=missing)
    axis.axhline(1, color="black", linewidth=0.8)
    axis.set_xticks(range(len(names)), names, fontsize=6, rotation=90)
    axis.set_ylabel("time of an iteration\nover that on complete rows")
    axis.legend(fontsize=7)
    return figure


if __name__ == "__main__":
    given = arguments(__doc__, Path(__file__).stem, **OPTIONS)
    if given.task:
        remembered(*json.loads(given.task))
        sys.exit()
    for part in (speed, variational, crossover, memory, held_out, choice):
        if given.only in ("", part.__name__):
            print(f"--- {part.__name__}")
            result = part(given.quick)
            if part is speed:
                save(given.figure, draw, result)

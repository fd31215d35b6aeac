"""How often a search finds the number of components and the model that generated the data.

    python benchmarks/model_choice.py            about half an hour on one core
    python benchmarks/model_choice.py --quick    two draws of each design

Ten designs, each a mixture with known parameters, 50 draws of each.  For every draw, by BIC
over 1 to 9 components: gmmem's ``GaussianMixtureIC()``; scikit-learn's ``GaussianMixture`` with
its four types of covariance; mclust's ``Mclust``.  Prints the share of draws with the right K
and with the right K and model, and the mean adjusted Rand index between the true components
and those assigned, beside that of the true mixture itself.  With K = 1, and with one feature,
models that coincide count as the same.  scikit-learn's types are VVV, EEE, VVI and VII: where
another model is true, its choice of model cannot be right.  Needs Rscript with the package
mclust for the comparison; without it, a line says so.
"""

import argparse
import csv
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from gmmem import GaussianMixtureIC, Mixture

SIZES = range(1, 10)

TYPES = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}

SCRIPT = """
suppressMessages(library(mclust))
args <- commandArgs(TRUE)
size <- as.integer(args[2:4])
X <- array(readBin(args[1], "double", prod(size)), size)
for (draw in seq_len(size[3])) {
  rows <- matrix(X[, , draw], size[1])
  seconds <- system.time(fit <- Mclust(rows, verbose = FALSE))["elapsed"]
  cat(seconds, fit$modelName, fit$G, format(-fit$bic, digits = 15), fit$classification,
      sep = ",")
  cat("\\n")
}
"""

# Okabe and Ito's palette, and shapes, so that no reader depends on the colour.
STYLES = {
    "gmmem": ("#0072b2", "o"),
    "scikit-learn": ("#e69f00", "s"),
    "mclust": ("#009e73", "^"),
}


class Design(NamedTuple):
    """A mixture that generates the data."""

    model: str
    n: int
    mixture: Mixture


class Choice(NamedTuple):
    """What a search chose for one draw."""

    model: str
    K: int
    bic: float
    labels: np.ndarray
    seconds: float


def turn(degrees):
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def axes(d, seed):
    """Orthogonal axes in no special direction."""
    return np.linalg.qr(np.random.RandomState(seed).normal(size=(d, d)))[0]


def design(model, n, weights, means, volumes, shapes, orientations=None):
    """Volumes, shapes and orientations: one for all components, or one for each."""
    means = np.array(means, dtype=float)
    K, d = means.shape
    shapes = np.broadcast_to(np.array(shapes, dtype=float), (K, d))
    shapes = shapes / np.exp(np.log(shapes).mean(axis=1, keepdims=True))
    orientations = np.broadcast_to(np.eye(d) if orientations is None else orientations, (K, d, d))
    variances = np.broadcast_to(volumes, K)[:, None] * shapes
    covariances = np.einsum("kij,kj,klj->kil", orientations, variances, orientations)
    return Design(model, n, Mixture.from_arrays(weights, means, covariances))


DESIGNS = [
    design("EEE", 200, [1], [[0, 0, 0]], 1, [4, 1, 0.5], axes(3, 0)),
    design("V", 200, [0.7, 0.3], [[0], [3]], [1, 0.25], [1]),
    design("EII", 300, [0.2] * 5, [[0, 0], [3, 0], [-3, 0], [0, 3], [0, -3]], 1, [1, 1]),
    design("VII", 300, [0.5, 0.3, 0.2], 2.5 * np.eye(3, 5), [1, 2, 0.5], [1] * 5),
    design(
        "VVI",
        300,
        [0.4, 0.3, 0.3],
        [[0, 0, 0, 0], [3, 0, 2, 0], [0, 3, 0, 2]],
        [1, 0.6, 1.8],
        [[1, 2, 1, 2], [4, 1, 1, 1], [1, 1, 1, 5]],
    ),
    design("EEE", 300, [0.4, 0.4, 0.2], [[0, 0], [3, 0], [1, 4]], 1, [4, 1], turn(50)),
    design(
        "EVE",
        300,
        [0.5, 0.3, 0.2],
        [[0, 0], [4, 1], [0, 4]],
        1,
        [[8, 1], [2, 1], [1, 3]],
        turn(30),
    ),
    design(
        "EEV",
        300,
        [0.4, 0.3, 0.3],
        [[0, 0], [3, 2], [-3, 2]],
        1,
        [9, 1],
        [turn(0), turn(60), turn(120)],
    ),
    design(
        "VEV",
        400,
        [0.4, 0.3, 0.2, 0.1],
        [[0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]],
        [1, 0.5, 2, 0.3],
        [5, 1, 1],
        [axes(3, seed) for seed in range(1, 5)],
    ),
    design(
        "VVV",
        400,
        [0.6, 0.4],
        [[0] * 5, [2, 2, 0, 0, 0]],
        [1, 2],
        [[4, 2, 1, 1, 0.5], [1, 1, 1, 1, 6]],
        [axes(5, 5), axes(5, 6)],
    ),
]


def draw(number, seed):
    """Rows of a design in random order, and the component of each."""
    rng = np.random.RandomState([number, seed])
    X, labels = DESIGNS[number].mixture.sample(DESIGNS[number].n, rng)
    order = rng.permutation(len(X))
    return X[order], labels[order]


def name(model, K, d):
    """The model's name as mclust gives it, one name for models that are then the same."""
    if d == 1:
        return "X" if K == 1 else "E" if model in ("E", "EEE") else "V"
    if K == 1:
        return "XII" if model[1:] == "II" else "XXI" if model[2] == "I" else "XXX"
    return model


def by_gmmem(X):
    began = time.perf_counter()
    search = GaussianMixtureIC().fit(X)
    seconds = time.perf_counter() - began
    K = search.n_components_
    model = name(search.covariance_type_, K, X.shape[1])
    return Choice(model, K, search.best_score_, search.predict(X), seconds)


def by_scikit_learn(X):
    began = time.perf_counter()
    best, least = None, np.inf
    for covariance_type in TYPES:
        for K in SIZES:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                peer = sklearn_mixture.GaussianMixture(
                    K, covariance_type=covariance_type, random_state=0
                ).fit(X)
            bic = peer.bic(X)
            if bic < least:
                best, least = peer, bic
    seconds = time.perf_counter() - began
    model = name(TYPES[best.covariance_type], best.n_components, X.shape[1])
    return Choice(model, best.n_components, least, best.predict(X), seconds)


def by_mclust(draws):
    """A choice for each draw, in one process; none where mclust is not installed."""
    if shutil.which("Rscript") is None:
        return []
    X = np.stack(draws, axis=2)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "X")
        data.write_bytes(X.tobytes(order="F"))
        command = ["Rscript", "-e", SCRIPT, str(data), *map(str, X.shape)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = list(csv.reader(done.stdout.split()))
    if not rows:
        return []
    return [
        Choice(row[1], int(row[2]), float(row[3]), np.array(row[4:], dtype=int), float(row[0]))
        for row in rows
    ]


class Score(NamedTuple):
    """Of one search on the draws of one design."""

    right_K: float
    right_both: float
    rand: float
    seconds: float


def score(choices, truth, labels):
    right_K = [choice.K == truth.mixture.n_components for choice in choices]
    model = name(truth.model, *truth.mixture.means.shape)
    right_model = [choice.model == model for choice in choices]
    rand = [
        adjusted_rand_score(own, choice.labels) for own, choice in zip(labels, choices, strict=True)
    ]
    return Score(
        np.mean(right_K),
        np.mean(np.logical_and(right_K, right_model)),
        np.mean(rand),
        np.mean([choice.seconds for choice in choices]),
    )


def compare(number, n_draws):
    """The choices of each search, and how well the true mixture itself assigns the rows."""
    truth = DESIGNS[number]
    draws = [draw(number, seed) for seed in range(n_draws)]
    rows, labels = [X for X, _ in draws], [own for _, own in draws]
    choices = {
        "gmmem": [by_gmmem(X) for X in rows],
        "scikit-learn": [by_scikit_learn(X) for X in rows],
        "mclust": by_mclust(rows),
    }
    scores = {who: score(each, truth, labels) for who, each in choices.items() if each}
    best = np.mean(
        [adjusted_rand_score(own, truth.mixture.log_joint(X).argmax(axis=1)) for X, own in draws]
    )
    return choices, scores, best


HEADER = f"""\
                           right K             right K and model        adjusted Rand index
model   K    n   d  {" gmmem scikit mclust  " * 3}  truth"""


def line(start, scores, best):
    cells = [
        "".join(
            f"{getattr(scores[who], column):7.2f}" if who in scores else "      -" for who in STYLES
        )
        for column in ("right_K", "right_both", "rand")
    ]
    return f"{start:18}{'  '.join(cells)}{best:8.2f}"


def average(table):
    """The mean over designs of the score of each search."""
    return {
        who: Score(*np.mean([scores[who] for scores in table], axis=0))
        for who in STYLES
        if all(who in scores for scores in table)
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two draws of each design")
    parser.add_argument(
        "--figure",
        type=Path,
        default=Path(__file__).parent / "figures" / "model_choice.png",
        help="where to write the figure",
    )
    options = parser.parse_args()
    n_draws = 2 if options.quick else 50
    GaussianMixtureIC(range(1, 3)).fit(draw(0, 0)[0])  # Warm up.
    print(HEADER)
    table, bests, gains, same = [], [], [], 0
    for number, truth in enumerate(DESIGNS):
        choices, scores, best = compare(number, n_draws)
        K, d = truth.mixture.means.shape
        print(line(f"{truth.model:5}{K:4}{truth.n:5}{d:4}", scores, best), flush=True)
        table.append(scores)
        bests.append(best)
        pairs = list(zip(choices["gmmem"], choices["mclust"], strict=False))
        gains += [theirs.bic - ours.bic for ours, theirs in pairs]
        same += sum((ours.model, ours.K) == (theirs.model, theirs.K) for ours, theirs in pairs)
    mean = average(table)
    print(line("mean", mean, np.mean(bests)))
    times = ", ".join(f"{who} {mean[who].seconds:.2f}" for who in mean)
    print(f"seconds per search: {times}")
    if gains:
        gains = np.array(gains)
        print(
            f"gmmem and mclust choose the same on {same} of {len(gains)} draws; BIC of the choice "
            f"lower by more than 0.1: gmmem's on {np.sum(gains > 0.1)}, "
            f"mclust's on {np.sum(gains < -0.1)}"
        )
    else:
        print("mclust: not installed")
    options.figure.parent.mkdir(parents=True, exist_ok=True)
    picture(table, n_draws, options.figure)


def picture(table, n_draws, path):
    """Shares per design, one row each; every search has a colour and a marker of its own."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 5), sharey=True, layout="constrained")
    height = np.arange(len(DESIGNS))
    for ax, (column, title) in zip(
        panels, [("right_K", "Right K"), ("right_both", "Right K and model")], strict=True
    ):
        for offset, (who, (colour, marker)) in zip((-0.2, 0, 0.2), STYLES.items(), strict=True):
            shares = [getattr(scores[who], column) for scores in table if who in scores]
            if len(shares) < len(table):
                continue
            ax.plot(shares, height + offset, marker, color=colour, markersize=7, label=who)
        ax.set(title=title, xlabel=f"Share of {n_draws} draws", xlim=(-0.04, 1.04))
        ax.set_yticks(
            height,
            [
                "{}, K = {}, d = {}, n = {}".format(each.model, *each.mixture.means.shape, each.n)
                for each in DESIGNS
            ],
        )
        ax.hlines(height[1:] - 0.5, -0.04, 1.04, color="#cccccc", linewidth=0.6)
        ax.set_ylim(len(DESIGNS) - 0.5, -0.5)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    figure.savefig(path, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()

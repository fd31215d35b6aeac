"""The oracle is mclust with ``priorControl()``: see make_golden.R, which wrote the files."""

import csv
import shutil
import subprocess
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from gmmem import GaussianMixture, GaussianMixtureIC, em, prediction
from gmmem.covariances import get_model
from gmmem.initializers import as_assignment
from gmmem.priors import NormalInverseWishart
from gmmem.problem import Problem
from gmmem.sources import InMemory

DATA = Path(__file__).parents[1] / "data"
SHRINKAGE = {"default": 0.01, "strong": 3.0, "free": 0.0}

# Inner iterations stop at 1e-7; axes of a scatter that is nearly singular have fewer digits.
RELATIVE = {"VEI": 1e-6, "VEV": 1e-6, "EEV": 1e-7}


def table(name):
    with (DATA / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def read(name):
    return np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1)


def data_of(name):
    return read("faithful")[:, 1:] if name == "waiting" else read(name)


def problem_of(row):
    """Rows, and the start from mclust's labels."""
    name, G, model = row["dataset"], int(row["G"]), get_model(row["model"])
    rows = InMemory(data_of(name), n_threads=1)
    problem = Problem.of(rows, model)
    prior = NormalInverseWishart(SHRINKAGE[row["prior"]], as_mclust=True)
    problem = replace(problem, prior=prior.on(problem.all_rows(), model, G))
    labels = read(f"{'faithful' if name == 'waiting' else name}_labels")[:, G - 1].astype(int) - 1
    assign = as_assignment(labels, rows.n_rows, G, "labels")
    return problem, problem.start(assign, G)


GOLDEN = table("prior_me")


def name_of(row):
    return "-".join(row[key] for key in ("dataset", "model", "G", "prior"))


@pytest.mark.parametrize("row", GOLDEN, ids=name_of)
def test_trajectory(row):
    problem, start = problem_of(row)
    states = list(islice(em.states(problem, start), 5))
    rtol = RELATIVE.get(row["model"], 1e-8)
    for rounds in (1, 2, 5):
        got = prediction.log_likelihood(states[rounds - 1].mixture, problem.rows)
        assert got == pytest.approx(float(row[f"after_{rounds}"]), rel=rtol), rounds


@pytest.mark.parametrize("row", GOLDEN, ids=name_of)
def test_converged(row):
    problem, start = problem_of(row)
    found = em.solve(problem, [start], tol=1e-13, max_iter=20_000).solutions[0]
    (K, d), mixture = found.mixture.means.shape, found.mixture
    if row["converged"] == "NA":  # mclust gives up where a component loses its rows.
        assert mixture.weights.min() < 1e-6 and np.isfinite(found.history).all()
        return
    assert found.failure is None
    got = prediction.log_likelihood(mixture, problem.rows)
    assert got == pytest.approx(float(row["converged"]), abs=1e-4)
    scale = problem.rows.X.std(axis=0)
    expected = {key: np.array(row[key].split(), float) for key in ("weights", "means")}
    np.testing.assert_allclose(mixture.weights, expected["weights"], atol=1e-4)
    means = expected["means"].reshape(K, d)
    np.testing.assert_allclose(mixture.means / scale, means / scale, atol=1e-4)
    sigma = np.array(row["covariances"].split(), float).reshape(K, d, d)
    unit = np.outer(scale, scale)
    dense = np.broadcast_to(mixture.covariances.dense(), (K, d, d))
    np.testing.assert_allclose(dense / unit, sigma / unit, atol=1e-4)


def test_the_posterior_never_falls():
    """But for EEI, where mclust's means are not those that its prior asks for."""
    for row in [row for row in GOLDEN if row["model"] != "EEI"][::7]:
        problem, start = problem_of(row)
        history = np.array(em.solve(problem, [start], tol=0, max_iter=60).best.history)
        assert (np.diff(history) > -1e-9).all(), name_of(row)


@pytest.mark.parametrize("name", ["iris", "faithful"])
def test_the_search_and_its_bic(name):
    """From mclust's own start: where rows tie, agglomerations differ."""
    rows = [row for row in table("prior_bic") if row["dataset"] == name]
    labels = read(f"{name}_labels").astype(int) - 1

    def start(X, n_components, *, sample_weight=None, random_state=None):
        return labels[:, n_components - 1]

    search = GaussianMixtureIC(
        range(1, 5),
        covariance_type=sorted({row["model"] for row in rows}),
        init_params=start,
        prior="regularised",
        tol=1e-12,
        max_iter=20_000,
    ).fit(read(name))
    found = {
        (model, K): bic
        for model, K, bic in zip(
            search.results_["covariance_type"],
            search.results_["n_components"],
            search.results_["bic"],
            strict=True,
        )
    }
    higher = 0
    for row in rows:
        if row["bic"] == "NA":
            continue
        # mclust's BIC is the higher the better.
        got, expected = -found[row["model"], int(row["G"])], float(row["bic"])
        assert got > expected - 2e-3, name_of(row | {"prior": ""})
        higher += got > expected + 2e-3
    # The best and those of its model that are a component larger or smaller also start anew.
    assert higher <= 3
    best = max((row for row in rows if row["bic"] != "NA"), key=lambda row: float(row["bic"]))
    assert (search.covariance_type_, search.n_components_) == (best["model"], int(best["G"]))


def has_mclust():
    if shutil.which("Rscript") is None:
        return False
    return subprocess.run(["Rscript", "-e", "library(mclust)"], capture_output=True).returncode == 0


LIVE = """
suppressMessages(library(mclust)); set.seed(3)
X <- matrix(rt(400, 4), 100) %*% matrix(rnorm(16), 4) + 3 * (1:100 > 50)
z <- unmap(c(rep(1, 50), rep(2, 30), rep(3, 20)))
write.table(X, stdout(), row.names = FALSE, col.names = FALSE)
for (m in c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "EEV", "VEV", "VVV"))
  cat(me(X, modelName = m, z = z, prior = priorControl(shrinkage = 0.5),
         control = emControl(tol = c(0, 1e-13), itmax = c(4, 10000)))$loglik, "\\n")
"""


@pytest.mark.skipif(not has_mclust(), reason="needs R with mclust")
def test_live():
    lines = subprocess.run(
        ["Rscript", "-e", "options(digits = 17)" + LIVE], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    X = np.array([line.split() for line in lines[:100]], float)
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    models = ["EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "EEV", "VEV", "VVV"]
    for code, expected in zip(models, lines[100:], strict=True):
        model = get_model(code)
        problem = Problem.of(InMemory(X, n_threads=1), model)
        prior = NormalInverseWishart(0.5, as_mclust=True).on(problem.all_rows(), model, 3)
        problem = replace(problem, prior=prior)
        start = problem.start(as_assignment(labels, 100, 3, "labels"), 3)
        state = next(islice(em.states(problem, start), 3, None))
        got = prediction.log_likelihood(state.mixture, problem.rows)
        assert got == pytest.approx(float(expected), rel=1e-6), code


def test_estimator_does_not_collapse():
    X = read("iris")
    with pytest.raises(ValueError, match="failed"):
        GaussianMixture(60, reg_covar=0, random_state=0).fit(X)
    model = GaussianMixture(60, reg_covar=0, random_state=0, prior="regularised", max_iter=2_000)
    assert model.fit(X).converged_ and np.isfinite(model.bic(X))

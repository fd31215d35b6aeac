"""The oracle is mclust: the log-likelihood after 1, 2 and 5 rounds of EM."""

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from gmmem import em
from gmmem.covariances import get_model
from gmmem.initializers import as_assignment
from gmmem.sources import InMemory

DATA = Path(__file__).parent / "data"
with (DATA / "me_trajectory.csv").open() as file:
    ROWS = list(csv.DictReader(file))
CASES = sorted({(row["dataset"], row["model"], int(row["G"])) for row in ROWS})


def read(name):
    return np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1)


@pytest.mark.parametrize(("dataset", "model", "G"), CASES)
def test_trajectory(dataset, model, G):
    X = read(dataset)
    labels = read(f"{dataset}_labels")[:, G - 1].astype(int) - 1
    rows, model_ = InMemory(X), get_model(model)
    start = em.start_from(rows, as_assignment(labels, len(X), G, "labels"), G, model_)
    states = [s.log_likelihood for s in islice(em.iterate(start, rows, model_), 5)]
    expected = {
        int(row["iterations"]): float(row["loglik"])
        for row in ROWS
        if (row["dataset"], row["model"], int(row["G"])) == (dataset, model, G)
    }
    assert expected
    for iteration, value in expected.items():
        assert states[iteration - 1] == pytest.approx(value, rel=1e-8)

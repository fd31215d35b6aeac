"""Names that the pages map exist where the pages say."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import gmmem.bootstrap
import gmmem.displays
import gmmem.initializers
from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.datasets import load_old_faithful

COMING_FROM = Path(__file__).parents[2] / "doc" / "coming_from"


def table(page: str) -> list[tuple[str, str]]:
    """The rows of the page's table, without its heading: there and here."""
    text = (COMING_FROM / page).read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - (.*(?:\n       .*)*)\n     - (.*(?:\n       .*)*)", text, re.M)
    return rows[1:]


def code(text: str) -> list[str]:
    return re.findall(r"``([^`]+)``", text)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_functions_of_mclust_are_functions_of_mclust():
    called = " ".join(part for there, _ in table("mclust.rst") for part in code(there))
    script = 'suppressMessages(library(mclust)); cat(ls("package:mclust"))'
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("mclust is not installed")
    exported = set(done.stdout.split())
    listed = """Mclust mclustBIC mclustICL densityMclust cdfMclust quantileMclust MclustBootstrap
    mclustBootstrapLRT hc hclass me mstep estep me.weighted emControl sim sigma2decomp
    nMclustParams adjustedRandIndex map classError priorControl defaultPrior MclustDA MclustSSC
    MclustDR crimcoords clustCombi gmmhd imputeData""".split()
    for name in listed:
        assert name in exported, name
        assert name in called, name


@pytest.mark.parametrize("page", ["mclust.rst", "matlab.rst", "spark.rst"])
def test_names_of_ours_exist(page):
    X = load_old_faithful()
    search, model = GaussianMixtureIC([2]).fit(X), GaussianMixture(2, random_state=0).fit(X)
    params = set(GaussianMixture().get_params())
    modules = (gmmem.bootstrap, gmmem.bootstrap.Bootstrap, gmmem.displays, gmmem.initializers)
    checked = 0
    for _, here in table(page):
        for part in code(here):
            if part.startswith(("numpy", "scipy", "sklearn", "z.", "-len", "df", '"')):
                continue
            part = part.removeprefix("gm = ")
            name = re.match(r"(?:search\.|gm\.|\.)?(?:\w+\.)?(\w+)", part).group(1)
            known = name in params or any(
                hasattr(owner, name) for owner in (search, model, gmmem, *modules)
            )
            known = known or name in ("labels", "kind", "mix")
            assert known, part
            checked += 1
    assert checked > 8


def test_diagonal_models_have_the_shape_that_is_said():
    X = np.random.default_rng(0).normal(size=(50, 3))
    assert GaussianMixture(2, covariance_type="EEI").fit(X).covariances_.shape == (2, 3)

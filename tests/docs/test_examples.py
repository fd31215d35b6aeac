"""Each example of the gallery runs without a warning, draws, and saves nothing."""

import runpy
import warnings
from pathlib import Path

import matplotlib
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

EXAMPLES = Path(__file__).parents[2] / "examples"
# These write their picture, as the README says, and are run by the gate.
WRITE = {"plot_analysis.py", "plot_covariance_models.py", "plot_old_faithful.py"}
GALLERY = sorted(path for path in EXAMPLES.glob("plot_*.py") if path.name not in WRITE)


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_example_runs_and_draws(path, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: None)
    plt.close("all")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "reg_covar=.* makes up")
        runpy.run_path(str(path), run_name="__main__")
    try:
        figures = [plt.figure(number) for number in plt.get_fignums()]
        assert figures
        assert all(ax.has_data() for figure in figures for ax in figure.axes if ax.axison)
    finally:
        plt.close("all")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_example_has_a_title_and_cells(path):
    text = path.read_text(encoding="utf-8")
    opening, title, line = text.splitlines()[:3]
    assert opening == '"""'
    assert line == "=" * len(title)
    assert "\n# %%\n" in text

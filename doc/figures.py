"""Draw the figures of the docs: run examples, and save what they draw in doc/images.

    python doc/figures.py [NAME ...]

An example plot_NAME.py gives NAME.png and, where it draws more than one figure,
NAME_2.png and so on.  Without names, all of `SHOWN` are drawn.
"""

import contextlib
import runpy
import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
SHOWN = (
    "analysis",
    "bad_starts",
    "starts",
    "choose_components",
    "colours",
    "covariance_models",
    "density",
    "em_one_dimension",
    "em_plateau",
    "first_fit",
    "known_classes",
    "missing",
    "old_faithful",
    "outliers",
    "imputation",
    "priors",
    "regression",
    "slow_convergence",
    "standard_errors",
    "weights",
    "worked_example",
)


def draw(name: str) -> list[Path]:
    """Run one example, and save each figure that it leaves open."""
    plt.close("all")
    plt.show = lambda *args, **kwargs: None
    # Some write files of their own where they are run.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        runpy.run_path(str(HERE.parent / "examples" / f"plot_{name}.py"), run_name="__main__")
    paths = []
    for number in plt.get_fignums():
        path = HERE / "images" / (f"{name}.png" if not paths else f"{name}_{len(paths) + 1}.png")
        plt.figure(number).savefig(path, dpi=90)
        paths.append(path)
    return paths


if __name__ == "__main__":
    for name in sys.argv[1:] or SHOWN:
        for path in draw(name):
            print(path.relative_to(HERE.parent))

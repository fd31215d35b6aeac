"""
The fourteen covariance models: what each makes of the same three clusters
==========================================================================

    python examples/plot_covariance_models.py

Every panel is one M-step.  Grey: the clusters' own covariances.  Colour: the closest
covariances that the model allows, at one and two standard deviations.  Prints the number
of parameters and the log-likelihood; writes covariance_models.png.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse

from gmmem import GaussianMixture
from gmmem.covariances import FOURTEEN
from gmmem.initializers import GivenLabels

COLOURS = ["#0072b2", "#d55e00", "#009e73"]


def clusters():
    """Three clusters that differ in volume, shape and orientation, by the same noise."""
    rng = np.random.RandomState(4)
    noise = rng.normal(size=(200, 2))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    X = []
    for centre, lengths, angle in [
        ((-4.2, 0), (1.6, 0.5), 0.5),
        ((0, 0), (0.55, 0.75), 0.2),
        ((4.2, 0), (0.55, 1.7), -0.35),
    ]:
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        X.append(noise * lengths @ turn.T + centre)
    return np.vstack(X), np.repeat([0, 1, 2], 200)


def draw(ax, model, colours, alpha, linestyle="-"):
    volume, shape, axes = model.decomposition_
    for k, mean in enumerate(model.means_):
        lengths = np.sqrt(volume[k] * shape[k])
        angle = np.degrees(np.arctan2(axes[k][1, 0], axes[k][0, 0]))
        for radius in (1, 2):
            ax.add_patch(
                Ellipse(
                    mean,
                    *(2 * radius * lengths),
                    angle=angle,
                    facecolor=colours[k] if radius == 1 else "none",
                    edgecolor=colours[k],
                    alpha=alpha,
                    linestyle=linestyle,
                    linewidth=1.2,
                )
            )


def main():
    X, labels = clusters()
    fits = {
        code: GaussianMixture(
            3, covariance_type=code, init_params=GivenLabels(labels), max_iter=0
        ).fit(X)
        for code in FOURTEEN
    }
    figure, grid = plt.subplots(5, 3, figsize=(9, 10.5), layout="constrained")
    panels = [grid[0, 0], grid[0, 1], *grid[1:].ravel()]
    grid[0, 2].set_axis_off()
    grid[0, 2].text(
        0,
        0.5,
        "Equal, Variable or Identity:\nvolume, shape, orientation.\n\n"
        "Grey: each cluster's own\ncovariance. Colour: the best\nthe model allows.",
        va="center",
        transform=grid[0, 2].transAxes,
    )
    print("model  parameters  log-likelihood")
    for ax, code in zip(panels, [c for c in FOURTEEN], strict=True):
        model = fits[code]
        parameters = FOURTEEN[code].n_parameters(3, 2)
        print(f"{code:5} {parameters:11} {model.score(X) * len(X):15.1f}")
        draw(ax, fits["VVV"], ["#999999"] * 3, 0.35)
        draw(ax, model, COLOURS, 0.6)
        plural = "" if parameters == 1 else "s"
        ax.set_title(f"{code}   {parameters} parameter{plural}", fontsize=11)
        ax.set(xlim=(-8.2, 7), ylim=(-4, 4), aspect="equal", xticks=[], yticks=[])
    figure.savefig("covariance_models.png", dpi=110)


if __name__ == "__main__":
    main()

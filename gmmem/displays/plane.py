"""A mixture in a plane: its limits, its log-density on a grid, ellipses and contours."""

from typing import Any

import numpy as np

from gmmem.displays.fitted import Fitted
from gmmem.displays.palette import colour, line

# Contours, and what the density falls by from one to the next: the square root of a tenth.
LEVELS, FALL = 4, np.log(10) / 2
# Share of the range left free beside the outermost row or ellipse.
MARGIN = 0.05


def log_joint(density: Fitted, X: np.ndarray) -> np.ndarray:
    """Log of weight times density of each component, (n_components, n_samples)."""
    factors = np.linalg.cholesky(density.covariances)
    apart = X.T[None] - density.means[:, :, None]
    whitened = np.linalg.solve(factors, apart)
    log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    with np.errstate(divide="ignore"):
        log_peaks = np.log(density.weights) - log_det - 0.5 * X.shape[1] * np.log(2 * np.pi)
    return log_peaks[:, None] - 0.5 * np.einsum("kjn,kjn->kn", whitened, whitened)


def on_grid(density: Fitted, limits: Any, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points along both axes, and the log of weight times density, (K, size, size) by y and x."""
    x, y = (np.linspace(*limit, size) for limit in limits)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return x, y, log_joint(density, grid).reshape(-1, size, size)


def limits(X: np.ndarray, density: Fitted, probability: np.ndarray) -> np.ndarray:
    """From where to where each feature is drawn, (d, 2): all rows, and the ellipses."""
    shown = density.weights > 0
    spread = radius(probability.max(initial=0)) * np.sqrt(
        np.diagonal(density.covariances[shown], axis1=1, axis2=2)
    )
    centres = density.means[shown]
    finite = np.where(np.isfinite(X), X, np.nan)
    all_of_it = np.vstack([finite, centres - spread, centres + spread])
    low, high = np.nanmin(all_of_it, axis=0), np.nanmax(all_of_it, axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1)
    return np.column_stack([low - margin, high + margin])


def ellipses(ax: Any, density: Fitted, probability: np.ndarray) -> list:
    """Draw the ellipses that hold shares of each component, component by component."""
    from matplotlib.patches import Ellipse

    values, axes = np.linalg.eigh(density.covariances)
    angles = np.degrees(np.arctan2(axes[:, 1, 0], axes[:, 0, 0]))
    spread = 2 * np.sqrt(np.maximum(values, 0))
    drawn = []
    for k, mean in enumerate(density.means):
        style = {"facecolor": "none", "edgecolor": colour(k), "linestyle": line(k)}
        for share in probability:
            width, height = radius(share) * spread[k]
            ellipse = Ellipse(mean, width, height, angle=angles[k], linewidth=1.5, **style)
            # As an artist, not a patch: the axes' limits are known, and not sought again.
            drawn.append(ax.add_artist(ellipse))
    return drawn


def radius(share: float | np.ndarray) -> float | np.ndarray:
    """Radius of the disc that holds a share of a plane's standard normal distribution."""
    return np.sqrt(-2 * np.log1p(-share))


def contours(ax: Any, density: Fitted, limits: Any, size: int) -> Any:
    """Draw where the mixture's density has fallen to certain shares of its largest value."""
    x, y, joint = on_grid(density, limits, size)
    log_density = np.logaddexp.reduce(joint, axis=0)
    levels = log_density.max() - FALL * np.arange(LEVELS, 0, -1)
    return ax.contour(x, y, log_density, levels=levels, colors="#888888", linewidths=0.6, alpha=0.7)


def numbers(ax: Any, density: Fitted) -> list:
    """Write the numbers of components at their means."""
    box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "linewidth": 1}
    style = {"fontsize": 7, "ha": "center", "va": "center", "zorder": 5}
    return [
        ax.text(*density.means[k], str(k), bbox=box | {"edgecolor": colour(k)}, **style)
        for k in np.flatnonzero(density.weights)
    ]

"""What is known of the rows before there is a mixture, found once and kept with them."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from gmmem.forms import Quadratic
from gmmem.kernels import guard as kernels
from gmmem.sources.base import Block, Frame, Workspace


class Rows(Protocol):
    """What EM asks of a source of rows: to add up a kernel over blocks."""

    n_rows: int
    n_features: int
    total_weight: float
    dtype: np.dtype
    precision: np.dtype
    known: dict[Any, Any]
    """What was found out about the rows once and for all, kept with them."""

    def fold(self, kernel: Any, combine: tuple[Callable, ...] | None = None) -> tuple[Any, ...]:
        """Combine ``kernel(block, workspace)`` over all blocks in order, by default adding."""


# Sums of squares must stay finite, for any number of rows.
LARGEST_EXTENT = 1e140

_LOCATE = (np.add, np.add, np.minimum, np.maximum)


def survey(rows: Rows) -> Frame:
    """Centre and extent of the rows."""
    if "frame" not in rows.known:
        rows.known["frame"] = _survey(rows)
    return rows.known["frame"]


def _survey(rows: Rows) -> Frame:
    total, first, low, high = rows.fold(kernels.LocateKernel(rows.n_features), _LOCATE)
    if np.isnan(low).any() or np.isnan(high).any():
        raise ValueError("X contains NaN.")
    if max(high.max(), -low.min()) >= LARGEST_EXTENT:
        raise ValueError(
            f"X holds values beyond {LARGEST_EXTENT:g}: squares would not fit in float64; "
            "rescale the data or remove the outliers."
        )
    centre = (first / total).astype(rows.dtype).astype(np.float64)
    extent = np.maximum(high - centre, centre - low)
    return Frame(total, centre, extent, None)


def together(block: Block, workspace: Workspace) -> np.ndarray:
    """Every row belongs to the one component there is."""
    return np.ones((1, len(block.X)))


def with_spread(frame: Frame, rows: Rows, form: Quadratic) -> Frame:
    """Add the total second moment, which a shared covariance needs once a fit."""
    if form not in rows.known:
        kernel = kernels.AssignedKernel(together, frame.centre[None], form, True)
        rows.known[form] = rows.fold(kernel)[2]
    return frame._replace(spread=rows.known[form])

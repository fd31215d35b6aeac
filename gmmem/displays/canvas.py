"""What all pictures share: a place to draw, styles that give way, a legend that fits."""

import math
from typing import Any

import numpy as np

# Entries of a legend that stand one below another.
LEGEND_ROWS = 8


def pyplot() -> Any:
    """matplotlib.pyplot, imported only when a picture is drawn."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Pictures need matplotlib: install it with pip install "gmmem[plot]".'
        ) from error
    return plt


def canvas(ax: Any = None, figsize: tuple[float, float] = (6.4, 4.4)) -> tuple[Any, Any]:
    """The figure and axes to draw on: those given, or new ones."""
    if ax is None:
        _, ax = pyplot().subplots(figsize=figsize, layout="constrained")
    return ax.figure, ax


def styled(style: dict[str, Any], given: dict[str, Any], artist: str) -> dict[str, Any]:
    """The style of a line or collection, with what the user gave in its place."""
    from matplotlib import cbook, collections, lines

    kinds = {"line": lines.Line2D, "points": collections.PathCollection}
    given = dict(given)
    if artist == "points" and "c" in given:
        given["color"] = given.pop("c") if "color" not in given else given["color"]
    given = cbook.normalize_kwargs(given, kinds[artist])
    style = dict(style)
    if {"color", "facecolor", "facecolors"} & set(given):
        style.pop("c", None)
        style.pop("color", None)
    if "linewidths" in given:
        style.pop("linewidth", None)
    if artist == "points" and np.ndim(given.get("color")) == 1 and len(given["color"]) > 4:
        given["c"] = given.pop("color")
    return style | given


def component_legend(ax: Any, handles: list, labels: list) -> None:
    """A legend of components inside the axes: columns of numbers where they are many."""
    if len(labels) <= LEGEND_ROWS:
        texts = [f"component {label}" for label in labels]
        ax.legend(handles, texts, frameon=False, loc="upper left")
        return
    ax.legend(
        handles,
        [str(label) for label in labels],
        title="component",
        ncols=math.ceil(len(labels) / LEGEND_ROWS),
        loc="upper left",
        fontsize=8,
        title_fontsize=9,
        framealpha=0.85,
        edgecolor="none",
        handletextpad=0.1,
        columnspacing=0.8,
        labelspacing=0.25,
    )

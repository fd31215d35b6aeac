"""What all pictures share: colours that everybody can tell apart, and a place to draw."""

from typing import Any

import numpy as np

# Okabe and Ito's palette, less black and yellow.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#666666")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


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


def colour(number: int) -> str:
    """Colour of a component or a line; they repeat after seven."""
    return COLOURS[number % len(COLOURS)]


def blend(responsibilities: np.ndarray) -> np.ndarray:
    """Colours (n, 3) of rows, mixed from those of the components by responsibility."""
    names = [colour(k).lstrip("#") for k in range(responsibilities.shape[1])]
    palette = np.array([[int(name[i : i + 2], 16) / 255 for i in (0, 2, 4)] for name in names])
    return np.clip(responsibilities @ palette, 0, 1)


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

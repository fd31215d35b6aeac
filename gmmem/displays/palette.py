"""Colours and marks of components, as many as there are, none twice.

The first seven are Okabe and Ito's, which people with any colour vision can tell apart.  Each
further one is the colour farthest from all before it in OKLab (Ottosson 2020), a space where
distances are those that are seen.
"""

from functools import cache

import numpy as np

# Okabe and Ito's palette, less black and yellow.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#666666")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")
# Colours a step of 17 apart in each channel are the candidates: 4096 of them.
STEPS = np.linspace(0, 1, 16)
# Lightness that shows on white, and that black differs from.
DARKEST, LIGHTEST = 0.35, 0.82


def colour(number: int) -> str:
    """Colour of a component or a line."""
    if number < len(COLOURS):
        return COLOURS[number]
    # In blocks of powers of two, so that a picture of K components computes few palettes.
    return _palette(1 << int(number).bit_length())[number]


def marker(number: int) -> str:
    """Mark of a component or a line; it repeats after seven, beside another colour."""
    return MARKERS[number % len(MARKERS)]


def line(number: int) -> str:
    """Style of a line: solid for the first seven, then dashed, and so on."""
    return LINES[number // len(COLOURS) % len(LINES)]


def blend(responsibilities: np.ndarray) -> np.ndarray:
    """Colours (n, 3) of rows, mixed from those of the components by responsibility."""
    palette = np.array([_rgb(colour(k)) for k in range(responsibilities.shape[1])])
    return np.clip(responsibilities @ palette, 0, 1)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Lightness, green to red, and blue to yellow, (..., 3), of sRGB colours (..., 3)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    opponents = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(linear @ cones.T) @ opponents.T


@cache
def _palette(size: int) -> tuple[str, ...]:
    candidates = np.stack(np.meshgrid(STEPS, STEPS, STEPS, indexing="ij"), axis=-1).reshape(-1, 3)
    places = oklab(candidates)
    seen = (places[:, 0] > DARKEST) & (places[:, 0] < LIGHTEST)
    candidates, places = candidates[seen], places[seen]
    names = list(COLOURS)
    # White, the ground, and black, the density's colour, are to be kept away from as well.
    taken = np.vstack([[_rgb(name) for name in names], [[1, 1, 1], [0, 0, 0]]])
    nearest = np.linalg.norm(places[:, None] - oklab(taken), axis=2).min(axis=1)
    while len(names) < size:
        best = int(nearest.argmax())
        names.append("#" + "".join(f"{round(255 * part):02x}" for part in candidates[best]))
        nearest = np.minimum(nearest, np.linalg.norm(places - places[best], axis=1))
    return tuple(names)


def _rgb(name: str) -> list[float]:
    return [int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)]

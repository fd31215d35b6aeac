"""Draw the house: the rooms of the engine and how a block of rows flows through them.

    python doc/house.py

writes doc/images/house.png.  The order of the rooms is that of the layers in setup.cfg.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

# Okabe and Ito's palette.
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#e69f00", "#009e73", "#666666"

# Left, bottom, width, text, colour: of each room.
ROOMS = {
    "estimators": (0.0, 9.4, 10.0, "estimators, bootstrap, displays\nwhat users call", GREY),
    "em": (0.0, 7.8, 4.7, "em.solve\nstarts, states, when to stop", BLUE),
    "updates": (5.3, 7.8, 4.7, "updates/\nfrom a state to the next", BLUE),
    "problem": (0.0, 6.2, 10.0, "problem\nexpect, maximise, improve", BLUE),
    "passes": (0.0, 4.4, 4.7, "passes, answers\nwhat one pass asks", ORANGE),
    "model": (5.3, 4.4, 4.7, "priors, covariances/\nscatters to covariances", GREEN),
    "kernels": (0.0, 2.6, 4.7, "kernels/\nprepare, scores | shares | accumulate", ORANGE),
    "moments": (5.3, 2.6, 4.7, "moments, forms\nsums that add", GREEN),
    "sources": (0.0, 0.8, 4.7, "sources/\nwhere the rows live: fold, map", ORANGE),
    "initializers": (5.3, 0.8, 4.7, "initializers/\nwho belongs where at first", GREY),
}
HEIGHT = 1.1

# From, to, what is handed over, where the words stand.
FLOWS = [
    ("sources", "kernels", "a block of rows", (0.25, 2.15), "left"),
    ("kernels", "passes", "sums", (0.25, 3.95), "left"),
    ("passes", "problem", "objective, moments", (0.25, 5.75), "left"),
    ("moments", "model", "scatters", (8.1, 3.95), "left"),
    ("model", "problem", "a mixture", (8.1, 5.75), "left"),
    ("passes", "moments", "", (5.0, 4.2), "center"),
    ("problem", "em", "a state", (0.25, 7.55), "left"),
    ("em", "estimators", "a solution", (0.25, 9.15), "left"),
    ("initializers", "moments", "an assignment", (8.1, 2.15), "left"),
]


def centre(name):
    left, bottom, width, _, _ = ROOMS[name]
    return left + width / 2, bottom


def draw(path):
    figure, ax = plt.subplots(figsize=(8, 7.2), layout="constrained")
    for left, bottom, width, text, colour in ROOMS.values():
        box = FancyBboxPatch(
            (left + 0.1, bottom),
            width - 0.2,
            HEIGHT,
            boxstyle="round,pad=0.05",
            facecolor=colour + "22",
            edgecolor=colour,
        )
        ax.add_patch(box)
        title, line = text.split("\n")
        middle = left + width / 2
        ax.text(middle, bottom + 0.72, title, ha="center", va="center", weight="bold", size=11)
        ax.text(middle, bottom + 0.32, line, ha="center", va="center", size=9)
    for start, end, words, place, align in FLOWS:
        (x, y), (u, v) = centre(start), centre(end)
        if ROOMS[end][2] > ROOMS[start][2]:
            u = x
        elif ROOMS[start][2] > ROOMS[end][2]:
            x = u
        arrow = dict(arrowstyle="-|>", mutation_scale=13, color="#333333", shrinkA=4, shrinkB=4)
        if start == "passes" and end == "moments":
            tail, head = (4.6, y + 0.3), (5.4, v + HEIGHT - 0.2)
        else:
            tail, head = (x, y + HEIGHT), (u, v)
        ax.add_patch(FancyArrowPatch(tail, head, **arrow))
        ax.text(*place, words, ha=align, va="center", size=8.5, style="italic")
    ax.set(xlim=(-0.1, 10.1), ylim=(0.6, 10.7))
    ax.axis("off")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    draw(Path(__file__).parent / "images" / "house.png")

"""The README's code runs as it stands there."""

import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
README = Path(__file__).parents[2] / "README.rst"


def blocks():
    parts = README.read_text().split(".. code-block:: python\n")[1:]
    for part in parts:
        lines = []
        for line in part.splitlines()[1:]:
            if line and not line.startswith("    "):
                break
            lines.append(line)
        yield textwrap.dedent("\n".join(lines))


def test_code_of_the_readme(capsys):
    names: dict = {}
    count = 0
    for block in blocks():
        exec(block, names)
        count += 1
    assert count == 3
    assert names["model"].predict_proba(names["X"]).shape == (272, 2)
    assert (names["search"].covariance_type_, names["search"].n_components_) == ("EEE", 3)
    assert len(capsys.readouterr().out.split("[[")) == 6

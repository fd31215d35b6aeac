"""Pages hang together: each is in a table of contents, each figure is there, words can be found."""

import re
from pathlib import Path

import pytest

DOC = Path(__file__).parents[2] / "doc"
FOLDERS = ("theory", "guide", "coming_from")
PAGES = [page for folder in FOLDERS for page in sorted((DOC / folder).glob("*.rst"))]
TEXTS = {page: page.read_text(encoding="utf-8") for page in [*PAGES, *DOC.glob("*.rst")]}


def entries(page: Path) -> list[str]:
    """What the page's tables of contents list."""
    blocks = re.findall(r"\.\. toctree::\n((?:[ ]+:.*\n)*)\n((?:[ ]+\S.*\n)+)", TEXTS[page])
    return [line.strip() for _, lines in blocks for line in lines.splitlines()]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_page_is_listed_once(folder):
    listed = entries(DOC / folder / "index.rst")
    there = [page.stem for page in PAGES if page.parent.name == folder and page.stem != "index"]
    assert sorted(listed) == sorted(there)


def test_the_front_page_lists_the_folders_and_the_tutorial():
    listed = entries(DOC / "index.rst")
    assert {f"{folder}/index" for folder in FOLDERS} | {"tutorial", "glossary"} <= set(listed)
    for entry in listed:
        if entry.startswith("generated/"):
            continue  # Made where the docs are.
        assert (DOC / f"{entry}.rst").exists(), entry


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(DOC)))
def test_what_a_page_points_at_is_there(page):
    for name in re.findall(r"\.\. image:: (\S+)", TEXTS[page]):
        assert (page.parent / name).exists(), name
    for target in re.findall(r":doc:`(?:[^`<]*<)?([^`>]+)>?`", TEXTS[page]):
        base = DOC if target.startswith("/") else page.parent
        assert (base / f"{target.lstrip('/')}.rst").exists(), target
    for name in re.findall(r"``python (examples/\S+\.py)``", TEXTS[page]):
        assert (DOC.parent / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOC)))
def test_each_figure_is_followed_by_what_to_see(page):
    figures = TEXTS[page].split(".. image:: ")[1:]
    for figure in figures:
        assert "What to see" in figure.split("\n\n")[1], figure.splitlines()[0]


@pytest.mark.parametrize(
    "word", ["prior", "posterior", "latent", "Lagrange", "local optimum", "install", "plateau"]
)
def test_a_reader_who_searches_finds(word):
    assert any(re.search(word, text, re.IGNORECASE) for text in TEXTS.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOC)))
def test_code_fits_the_column(page):
    for line in TEXTS[page].splitlines():
        if line.lstrip().startswith((">>>", "...")):
            assert len(line) <= 82, line

"""Sphinx configuration."""

from gmmem import __version__

project = "gmmem"
copyright = "2026, the gmmem developers"
version = release = __version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "numpydoc"]
autosummary_generate = False
numpydoc_show_class_members = False
html_theme = "alabaster"
exclude_patterns = ["_build"]

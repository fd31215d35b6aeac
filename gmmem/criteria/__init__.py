"""Model selection criteria: pure functions of what a fit says about its data.

All are on scikit-learn's scale: lower is better.  mclust's BIC and ICL are the negatives.
"""

from gmmem.criteria.formulas import (
    CRITERIA,
    FitSummary,
    aic,
    aicc,
    bic,
    caic,
    clc,
    hqic,
    icl,
    icl_entropy,
    nec,
    sabic,
)
from gmmem.criteria.scorer import Scorer

__all__ = [
    "CRITERIA",
    "FitSummary",
    "Scorer",
    "aic",
    "aicc",
    "bic",
    "caic",
    "clc",
    "hqic",
    "icl",
    "icl_entropy",
    "nec",
    "sabic",
]

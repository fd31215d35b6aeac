"""What is believed of the parameters before the rows are seen."""

from gmmem.priors.adaptation import Adaptation
from gmmem.priors.base import Prior, PriorOf
from gmmem.priors.conjugate import REGULARISED, NormalInverseWishart
from gmmem.priors.held import Held, Known
from gmmem.priors.pseudo_rows import PseudoRows
from gmmem.priors.ridge import NO_PRIOR, AutoRidge, FeatureRidge, Ridge, ridge_of
from gmmem.priors.together import Together

__all__ = [
    "NO_PRIOR",
    "REGULARISED",
    "Adaptation",
    "AutoRidge",
    "FeatureRidge",
    "Held",
    "Known",
    "NormalInverseWishart",
    "Prior",
    "PriorOf",
    "PseudoRows",
    "Ridge",
    "Together",
    "ridge_of",
]

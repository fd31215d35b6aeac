"""What is believed of the parameters before the rows are seen."""

from gmmem.priors.base import Prior
from gmmem.priors.ridge import NO_PRIOR, Ridge

__all__ = ["NO_PRIOR", "Prior", "Ridge"]

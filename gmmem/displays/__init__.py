"""Pictures, by scikit-learn's convention: ``from_estimator``, ``plot``, ``ax_``, ``figure_``."""

from gmmem.displays.criterion import CriterionDisplay
from gmmem.displays.likelihood import LikelihoodDisplay
from gmmem.displays.mixture import MixtureDisplay
from gmmem.displays.uncertainty import UncertaintyDisplay

__all__ = ["CriterionDisplay", "LikelihoodDisplay", "MixtureDisplay", "UncertaintyDisplay"]

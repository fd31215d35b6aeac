"""Pictures, by scikit-learn's convention: ``from_estimator``, ``plot``, ``ax_``, ``figure_``."""

from gmmem.displays.classification import ClassificationDisplay
from gmmem.displays.conditional import ConditionalDisplay
from gmmem.displays.criterion import CriterionDisplay
from gmmem.displays.distribution import DistributionDisplay
from gmmem.displays.likelihood import LikelihoodDisplay
from gmmem.displays.mixture import MixtureDisplay
from gmmem.displays.starts import StartsDisplay
from gmmem.displays.uncertainty import UncertaintyDisplay

__all__ = [
    "ClassificationDisplay",
    "ConditionalDisplay",
    "CriterionDisplay",
    "DistributionDisplay",
    "LikelihoodDisplay",
    "MixtureDisplay",
    "StartsDisplay",
    "UncertaintyDisplay",
]

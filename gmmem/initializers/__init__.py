"""Where EM starts: pick a name, an instance, or write a callable of your own."""

from gmmem.initializers.assigned import GivenLabels, RandomResponsibilities
from gmmem.initializers.base import Nearest, RandomSoft, Subset, as_assignment
from gmmem.initializers.centres import KMeans, KMeansPlusPlus, RandomPoints
from gmmem.initializers.hierarchical import Hierarchical
from gmmem.initializers.registry import INITIALIZERS, as_initialiser

__all__ = [
    "INITIALIZERS",
    "GivenLabels",
    "Hierarchical",
    "KMeans",
    "KMeansPlusPlus",
    "Nearest",
    "RandomPoints",
    "RandomResponsibilities",
    "RandomSoft",
    "Subset",
    "as_assignment",
    "as_initialiser",
]

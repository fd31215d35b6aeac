"""Where EM starts: pick a name, an instance, or write a callable of your own."""

from gmmem.initializers.assigned import GivenLabels, RandomResponsibilities
from gmmem.initializers.base import Nearest, Subset, as_assignment
from gmmem.initializers.centres import KMeans, KMeansPlusPlus, RandomPoints
from gmmem.initializers.hierarchical import Hierarchical

INITIALIZERS = {
    "kmeans": KMeans(),
    "k-means++": KMeansPlusPlus(),
    "hierarchical": Hierarchical(),
    "random": RandomResponsibilities(),
    "random_from_data": RandomPoints(),
}

__all__ = [
    "INITIALIZERS",
    "GivenLabels",
    "Hierarchical",
    "KMeans",
    "KMeansPlusPlus",
    "Nearest",
    "RandomPoints",
    "RandomResponsibilities",
    "Subset",
    "as_assignment",
]

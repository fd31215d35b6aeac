"""Where EM starts: pick a name, an instance, or write a callable of your own."""

from gmmem.initializers.assigned import Given, RandomResponsibilities
from gmmem.initializers.base import Nearest, as_assignment
from gmmem.initializers.centres import KMeans, KMeansPlusPlus, RandomPoints

INITIALIZERS = {
    "kmeans": KMeans(),
    "k-means++": KMeansPlusPlus(),
    "random": RandomResponsibilities(),
    "random_from_data": RandomPoints(),
}

__all__ = [
    "INITIALIZERS",
    "Given",
    "KMeans",
    "KMeansPlusPlus",
    "Nearest",
    "RandomPoints",
    "RandomResponsibilities",
    "as_assignment",
]

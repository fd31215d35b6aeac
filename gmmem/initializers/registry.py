"""Initialisers by name, and whatever else stands for one.

An entry put into `INITIALIZERS` is a name from then on:

>>> from gmmem import GaussianMixture
>>> from gmmem.datasets import load_old_faithful
>>> from gmmem.initializers import INITIALIZERS, Hierarchical, as_initialiser
>>> INITIALIZERS["ward"] = Hierarchical("EII")
>>> as_initialiser("ward")
Hierarchical(model='EII', use='SVD', max_samples=2000)
>>> del INITIALIZERS["ward"]
"""

from collections.abc import Callable
from typing import Any

from gmmem.initializers.assigned import RandomResponsibilities
from gmmem.initializers.centres import KMeans, KMeansPlusPlus, RandomPoints
from gmmem.initializers.hierarchical import Hierarchical

INITIALIZERS: dict[str, Callable] = {
    "kmeans": KMeans(),
    "k-means++": KMeansPlusPlus(),
    "hierarchical": Hierarchical(),
    "random": RandomResponsibilities(),
    "random_from_data": RandomPoints(),
}


def as_initialiser(init_params: Any) -> Callable:
    """The callable behind a name, or the callable itself.

    Parameters
    ----------
    init_params : str or callable
        A name in `INITIALIZERS`, or an initialiser.

    Returns
    -------
    initialise : callable
        ``initialise(X, n_components, *, sample_weight=None, random_state=None)``.

    Raises
    ------
    ValueError
        If it is neither, or a class where an instance is wanted.

    Examples
    --------
    >>> from gmmem.initializers import as_initialiser
    >>> as_initialiser("kmeans")
    KMeans(max_samples=20000)
    """
    if isinstance(init_params, str) and init_params in INITIALIZERS:
        return INITIALIZERS[init_params]
    if isinstance(init_params, type):
        name = init_params.__name__
        raise ValueError(f"init_params={name} is a class; give an instance of it, as {name}().")
    if callable(init_params):
        return init_params
    raise ValueError(
        f"init_params={init_params!r} is neither callable nor one of {', '.join(INITIALIZERS)}."
    )

"""Rows that come in batches, as often as asked: files, a database, a generator.

Only one batch is in memory at a time.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

from gmmem.contracts import fulfils
from gmmem.sources.chunks import Chunked


@fulfils(Chunked)
class Batches(Chunked):
    """Rows that an iterator gives, batch by batch, from the beginning whenever asked.

    Parameters
    ----------
    make_iterator : callable
        Without arguments; gives an iterable of batches, the same every time.  A batch is an
        array (b, n_features) or, where `weighted`, such an array and its row weights (b,).
    weighted : bool, default=False
        Whether batches come with row weights.

    Examples
    --------
    >>> import numpy as np
    >>> from gmmem import GaussianMixture
    >>> from gmmem.datasets import load_old_faithful
    >>> from gmmem.sources import Batches
    >>> X = load_old_faithful()
    >>> rows = Batches(lambda: (X[first : first + 100] for first in range(0, len(X), 100)))
    >>> np.sort(GaussianMixture(2, random_state=0).fit(rows).weights_).round(2)
    array([0.36, 0.64])
    """

    def __init__(self, make_iterator: Callable[[], Iterable[Any]], weighted: bool = False):
        if not callable(make_iterator):
            raise ValueError(
                "make_iterator must be a callable that gives the batches anew each time; an "
                f"iterable of type {type(make_iterator).__name__} may be read once only."
            )
        self.make_iterator, self.weighted = make_iterator, weighted

    def each(self, task, shared=None, arguments=None) -> Iterator[Any]:
        own = repeat(None) if arguments is None else iter(arguments)
        n_batches = 0
        for batch in self.make_iterator():
            X, weight = batch if self.weighted else (batch, None)
            n_batches += 1
            try:
                argument = next(own)
            except StopIteration:
                raise self._changed(f"more than {n_batches - 1}") from None
            yield task(shared, X, weight, argument)
        known = vars(self).get("facts")
        if n_batches == 0 or (known is not None and len(known) != n_batches):
            raise self._changed(str(n_batches))

    def _changed(self, number: str) -> ValueError:
        if number == "0":
            return ValueError(
                "make_iterator gave no batches. It must give an iterator from the beginning "
                "whenever it is called, not the same iterator again."
            )
        return ValueError(
            f"make_iterator gave {number} batches, and another number before; it must give the "
            "same ones every time."
        )

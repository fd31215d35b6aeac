"""Every source, by the driver that ships."""

import numpy as np
import pytest

from gmmem.sources import InMemory
from gmmem.testing import check_source


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_in_memory(n_threads):
    check_source(lambda X, w: InMemory(X, w, n_threads))


def test_memory_mapped(tmp_path):
    def build(X, w):
        path = tmp_path / f"{len(X)}.npy"
        np.save(path, X)
        return InMemory(np.load(path, mmap_mode="r"), w)

    check_source(build)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2]])
def test_any_layout(layout):
    check_source(lambda X, w: InMemory(layout(X), w))


def test_the_driver_tells_a_source_that_loses_rows():
    class Lossy(InMemory):
        def _block(self, first, last, *scratch):
            return super()._block(first, max(last - 1, first + 1), *scratch)

    with pytest.raises(AssertionError):
        check_source(Lossy)


def test_columns_are_as_long_as_the_rows():
    with pytest.raises(ValueError, match="label has 3 rows, but X has 4"):
        InMemory(np.zeros((4, 2))).with_columns(label=np.zeros(3))

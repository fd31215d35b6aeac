"""Every kernel, by the driver that ships."""

import numpy as np
import pytest

from gmmem.covariances import Full
from gmmem.kernels.expanded import ExpandedKernel
from gmmem.kernels.guard import choose
from gmmem.kernels.linear import LinearKernel
from gmmem.kernels.slabs import SlabKernel
from gmmem.kernels.whitened import WhitenedKernel
from gmmem.testing import check_kernel

FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


@pytest.mark.parametrize("dtype, tolerance", [(FLOAT64, 1e-9), (FLOAT32, 2e-3)])
@pytest.mark.parametrize("complete", [True, False])
def test_expanded(dtype, tolerance, complete):
    check_kernel(
        lambda parts, centre, reach: ExpandedKernel.of(parts, centre, reach, dtype, complete),
        tolerance=tolerance,
    )


@pytest.mark.parametrize("dtype, tolerance", [(FLOAT64, 1e-9), (FLOAT32, 2e-3)])
def test_linear(dtype, tolerance):
    """Only for shared covariances: else there is more than 1 and x."""

    def build(parts, centre, reach):
        kind = LinearKernel if parts.covariances.shared else ExpandedKernel
        return kind.of(parts, centre, reach, dtype)

    check_kernel(build, tolerance=tolerance)


@pytest.mark.parametrize("dtype, tolerance", [(FLOAT64, 1e-10), (FLOAT32, 1e-3)])
def test_whitened(dtype, tolerance):

    check_kernel(
        lambda parts, centre, reach: WhitenedKernel(parts, centre, dtype), tolerance=tolerance
    )


@pytest.mark.parametrize("dtype, tolerance", [(FLOAT64, 1e-9), (FLOAT32, 1e-3)])
def test_slabs(dtype, tolerance):
    """Only for full covariances that differ; for shared ones expansion is always cheaper."""

    def build(parts, centre, reach):
        if parts.covariances.shared:
            return WhitenedKernel(parts, centre, dtype)
        return SlabKernel(parts, centre, dtype)

    check_kernel(build, (Full,), tolerance)


@pytest.mark.parametrize("complete", [True, False])
def test_the_chosen_one(complete):
    check_kernel(lambda parts, centre, reach: choose(parts, centre, reach, FLOAT64, complete))


def test_the_driver_tells_a_wrong_kernel():
    class Wrong(WhitenedKernel):
        def _joint(self, Z, workspace):
            return super()._joint(Z, workspace) + 1e-6

    with pytest.raises(AssertionError):
        check_kernel(lambda parts, centre, reach: Wrong(parts, centre))

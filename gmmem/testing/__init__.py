"""Conformance drivers: what a part of your own must do, in one call.

Each driver tries a part on many cases against its definition, and raises an
`AssertionError` that says what differs.  The package's own parts are tested by them.
"""

from gmmem.testing.initialisers import check_initialiser
from gmmem.testing.kernels import check_kernel
from gmmem.testing.models import check_model
from gmmem.testing.sources import check_source
from gmmem.testing.storages import check_storage

__all__ = ["check_initialiser", "check_kernel", "check_model", "check_source", "check_storage"]

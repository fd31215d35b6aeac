"""The private and experimental parts of scikit-learn that we use, in one place."""

from numbers import Integral

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from sklearn.base import _fit_context as fit_context
from sklearn.utils import check_random_state as _check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, validate_parameter_constraints
from sklearn.utils._param_validation import StrOptions as Unordered
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # Before scikit-learn 1.9.

    class CallbackSupportMixin:
        """No callbacks to support."""


__all__ = [
    "FIT_CALLBACKS",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "callback_context",
    "check_feature_names_in",
    "check_random_state",
    "check_sample_weight",
    "fit_context",
    "validate_parameter_constraints",
]

# What an estimator holds while callbacks follow its fit; `fit_context` takes it away.
FIT_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


class StrOptions(Unordered):
    """One of several words, which a message names in the order given here.

    Parameters
    ----------
    options : iterable of str
    """

    def __init__(self, options):
        self.ordered = tuple(options)
        super().__init__(set(self.ordered))

    def __str__(self):
        return f"a str among {{{', '.join(map(repr, self.ordered))}}}"


def callback_context(estimator, n_subtasks: int):
    """Set an estimator's callbacks up: the root of its fit's tasks, or None without callbacks."""
    if not hasattr(estimator, "_skl_callbacks"):
        return None
    return estimator._init_callback_context(max_subtasks=n_subtasks)


class _Seeded(ISeedSequence):
    """What a generator is made with that is seeded at once: no entropy of the system."""

    def generate_state(self, n_words, dtype=np.uint32):
        return np.zeros(n_words, dtype)


def check_random_state(seed):
    """As scikit-learn's, in a third of the time where the seed is a number.

    Parameters
    ----------
    seed : int, RandomState instance or None

    Returns
    -------
    random_state : numpy.random.RandomState
        Of a number the same as ``RandomState(seed)``.
    """
    if not isinstance(seed, Integral):
        return _check_random_state(seed)
    random_state = np.random.RandomState(np.random.MT19937(_Seeded()))
    random_state.seed(seed)
    return random_state

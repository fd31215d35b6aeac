"""What stands in for private parts of scikit-learn does what they do."""

import pickle

import numpy as np
import pytest
from sklearn.utils import check_random_state as theirs

from gmmem.compat import check_random_state


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, np.int64(7), True])
def test_a_seed_gives_the_numbers_that_it_gives_scikit_learn(seed):
    for draw in (
        lambda rng: rng.random_sample(700),
        lambda rng: rng.normal(size=3),
        lambda rng: rng.permutation(50),
    ):
        np.testing.assert_array_equal(draw(check_random_state(seed)), draw(theirs(seed)))


def test_a_generator_is_taken_as_it_is_and_can_be_kept():
    rng = check_random_state(3)
    assert check_random_state(rng) is rng
    kept = pickle.loads(pickle.dumps(rng))
    np.testing.assert_array_equal(kept.random_sample(5), rng.random_sample(5))
    assert check_random_state(None) is theirs(None)


@pytest.mark.parametrize("seed", [-1, 2**32, "one", 0.5])
def test_what_is_no_seed_is_refused_as_scikit_learn_does(seed):
    with pytest.raises(ValueError) as expected:
        theirs(seed)
    with pytest.raises(ValueError) as found:
        check_random_state(seed)
    assert str(found.value) == str(expected.value)

"""Models travel: by pickle, joblib and skops, and from older versions of scikit-learn."""

import copy
import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

from gmmem import GaussianMixture
from tests.data import make_kept

pytestmark = pytest.mark.filterwarnings("ignore::gmmem.estimators.advice.ChoiceWarning")
skops = pytest.importorskip("skops.io", reason="skops comes with the extra test")


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


def by_joblib(model):
    held = io.BytesIO()
    joblib.dump(model, held)
    held.seek(0)
    return joblib.load(held)


def by_skops(model):
    """Without running code: every type that it must be told to trust is one of ours."""
    data = skops.dumps(model)
    return skops.loads(data, trusted=ours(skops.get_untrusted_types(data=data)))


def ours(names):
    assert all(name.startswith("gmmem.") for name in names), names
    return names


@pytest.fixture(scope="module")
def models():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_kept.models()


NAMES = ("mixture", "code", "several", "stream", "search", "bayesian")
X = make_kept.rows()


def assert_alike(model, expected):
    """The same answers, and as much of a model as before."""
    for method in ("predict", "predict_proba", "score_samples"):
        np.testing.assert_array_equal(getattr(model, method)(X), getattr(expected, method)(X))
    assert model.bic(X) == expected.bic(X)
    np.testing.assert_array_equal(model.sample(5)[0], expected.sample(5)[0])
    assert model.covariance_model_ == expected.covariance_model_
    assert str(model.get_params()) == str(expected.get_params())
    clone(model)


@pytest.mark.parametrize("travel", [by_pickle, by_joblib, by_skops, copy.deepcopy])
@pytest.mark.parametrize("name", NAMES)
def test_a_model_travels(models, name, travel):
    assert_alike(travel(models[name]), models[name])


@pytest.mark.parametrize("travel", [by_pickle, by_joblib, by_skops])
def test_what_is_gone_on_from_travels(models, travel):
    """A stream and a warm start go on as they would have."""
    stream, search = copy.deepcopy(models["stream"]), copy.deepcopy(models["search"])
    travelled = travel(stream).partial_fit(X[:50])
    np.testing.assert_array_equal(travelled.means_, stream.partial_fit(X[:50]).means_)
    again = travel(search.set_params(warm_start=True).fit(X))
    assert len(again._candidates) == 4
    fitted = again.set_params(n_components=[2, 3, 4]).fit(X)
    kept = [each.seconds for each in search._candidates]
    assert kept == [each.seconds for each in fitted._candidates][:4]
    warm = travel(models["mixture"]).set_params(warm_start=True).fit(X)
    expected = copy.deepcopy(models["mixture"]).set_params(warm_start=True).fit(X)
    np.testing.assert_array_equal(warm.means_, expected.means_)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["pickle", "skops"])
def test_a_model_of_an_older_scikit_learn(models, name, kind):
    """Written under scikit-learn 1.6, read under the one at hand; nothing is warned of."""
    with np.load(make_kept.KEPT, allow_pickle=False) as held:
        data = held[f"{name}.{kind}"].tobytes()
    if kind == "pickle":
        found = pickle.loads(data)
    else:
        found = skops.loads(data, trusted=ours(skops.get_untrusted_types(data=data)))
    weights, means = found.weights_, found.means_
    covariances = np.broadcast_to(found.mixture_.covariances.dense(), (len(means), 2, 2))
    density = sum(
        weight * stats.multivariate_normal(mean, covariance).pdf(X)
        for weight, mean, covariance in zip(weights, means, covariances, strict=True)
    )
    if name != "bayesian":
        np.testing.assert_allclose(found.score_samples(X), np.log(density), rtol=1e-9)
    if name != "stream":  # Its later batches come in another order of sums.
        np.testing.assert_array_equal(found.predict(X), models[name].predict(X))
    assert found.bic(X) == pytest.approx(models[name].bic(X), rel=1e-6)
    assert found.get_params().keys() <= models[name].get_params().keys()


def test_a_file_names_no_type_of_others(models):
    """A user may trust what gmmem lists, and what skops lists besides is nothing."""
    data = skops.dumps(GaussianMixture(2, random_state=0).fit(X))
    assert set(skops.get_untrusted_types(data=data)) == {
        "gmmem.estimators.gaussian_mixture.GaussianMixture",
        "gmmem.covariances.ellipsoidal.VVV",
    }

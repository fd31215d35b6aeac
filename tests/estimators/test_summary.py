"""A fit in a few lines, and its components against known classes."""

import json
import pickle
import warnings

import numpy as np
import pandas
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureIC
from gmmem.bootstrap import bootstrap
from gmmem.covariances import VVI
from gmmem.datasets import load_old_faithful
from gmmem.estimators.advice import ChoiceWarning

X = load_old_faithful()
IRIS = load_iris()
MODEL = GaussianMixture(2, tol=1e-6, random_state=0).fit(X)


def test_numbers_are_those_of_the_methods():
    found = MODEL.summary(X)
    assert found.log_likelihood == pytest.approx(len(X) * MODEL.score(X), rel=1e-12)
    assert found.bic == pytest.approx(MODEL.bic(X), rel=1e-12)
    assert found.icl == pytest.approx(MODEL.icl(X), rel=1e-12)
    assert (found.n_samples, found.n_parameters) == (272, MODEL.n_parameters_)
    np.testing.assert_array_equal(found.sizes, np.bincount(MODEL.predict(X)))
    np.testing.assert_array_equal(found.means, MODEL.means_)
    assert (found.status, found.n_iter, found.advice) == ("converged", MODEL.n_iter_, ())


def test_weights_are_copies():
    weight = np.random.RandomState(0).randint(0, 3, size=len(X))
    one, other = MODEL.summary(X, weight), MODEL.summary(X.repeat(weight, axis=0))
    assert one.bic == pytest.approx(other.bic, rel=1e-12)
    np.testing.assert_array_equal(one.sizes, other.sizes)


def test_without_rows_what_the_fit_tells():
    found = MODEL.summary()
    assert found.sizes is found.n_samples is found.log_likelihood is None
    assert found.bic is found.icl is None
    assert "summary(X)" in str(found) and "BIC" not in str(found)
    with pytest.raises(ValueError, match="give X with it"):
        MODEL.summary(sample_weight=np.ones(len(X)))


def test_a_search_has_kept_what_its_rows_tell():
    search = GaussianMixtureIC([1, 2, 3, 4], covariance_type=["EEE", "VVI"]).fit(X[:, ::-1])
    for found in (search.summary(), pickle.loads(pickle.dumps(search)).summary()):
        assert found.bic == search.best_score_
        assert found.model == search.covariance_type_
        np.testing.assert_array_equal(found.sizes, np.bincount(search.predict(X[:, ::-1])))
        expected = search.summary(X[:, ::-1])
        assert str(found) == str(expected)
    assert search.best_estimator_.summary().bic is None
    # Other rows, other numbers.
    assert search.summary(X[:100, ::-1]).n_samples == 100


def test_text_is_aligned_and_has_the_names():
    frame = pandas.DataFrame(X, columns=["eruption", "waiting"])
    text = str(GaussianMixture(2, random_state=0).fit(frame).summary(frame))
    lines = text.splitlines()
    assert lines[0] == "GaussianMixture: full, 2 components, 2 features"
    table = [line for line in lines if line.endswith(("waiting", "54.48", "79.97"))]
    assert len({len(line) for line in table}) == 1 and len(table) == 3
    assert "eruption" in table[0]


def test_what_is_long_is_cut():
    rng = np.random.RandomState(0)
    means = rng.normal(size=(50, 20))
    model = GaussianMixture.from_parameters(
        np.full(50, 0.02), means, np.ones(50), covariance_type="spherical"
    )
    lines = str(model.summary()).splitlines()
    assert len(lines) < 50 and max(map(len, lines)) < 100
    assert any(line.lstrip().startswith("...") for line in lines)
    assert model.summary().status == "given"
    assert len(model.summary().to_dict()["means"]) == 50


def test_html_escapes_names():
    frame = pandas.DataFrame(X, columns=["<b>", "waiting"])
    html = GaussianMixture(2, random_state=0).fit(frame).summary(frame)._repr_html_()
    assert "&lt;b&gt;" in html and "<th><b>" not in html
    assert html.count("<table>") == html.count("</table>") == 2


def test_a_dict_of_plain_numbers():
    replicates = bootstrap(MODEL, X, n_replicates=5, random_state=0)
    found = MODEL.summary(X, bootstrap=replicates)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["weights"] == found.weights.tolist()
    assert values["bic"] == found.bic
    errors = replicates.standard_errors()
    assert values["standard_errors"] == {
        name: errors[name].tolist() for name in ("weights", "means")
    }
    assert f"({errors['means'][0, 0]:.2g})" in str(found)


def test_a_bootstrap_of_another_mixture():
    other = GaussianMixture(3, random_state=0).fit(X)
    replicates = bootstrap(other, X, n_replicates=5, random_state=0)
    with pytest.raises(ValueError, match=r"another mixture: its means are \(3, 2\)"):
        MODEL.summary(bootstrap=replicates)
    with pytest.raises(TypeError, match="not int"):
        MODEL.summary(bootstrap=99)


def test_unfitted():
    with pytest.raises(NotFittedError):
        GaussianMixture().summary()
    with pytest.raises(NotFittedError):
        GaussianMixture().table(X, np.zeros(len(X)))


def test_advice():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        stopped = GaussianMixture(2, max_iter=2, tol=0, random_state=0).fit(X)
    (sentence,) = stopped.summary().advice
    assert "raise max_iter (now 2)" in sentence and stopped.summary().status == "not converged"
    plateau = GaussianMixture(2, init_params="random", random_state=0).fit(X)
    assert plateau.score(X) < MODEL.score(X) - 0.1
    (sentence,) = plateau.summary().advice
    assert "this may be a plateau, so lower tol" in sentence
    assert GaussianMixture(1).fit(X).summary().advice == ()


def test_advice_on_few_rows():
    rows = np.vstack([X[:50], [[90.0, 900]]])
    with pytest.warns(ChoiceWarning, match="reg_covar=1 makes up") as warned:
        few = GaussianMixture(2, reg_covar=1, random_state=0).fit(rows)
    said = few.summary(rows).advice
    assert str(warned[0].message) in said
    assert any("no more rows than there are features (2)" in sentence for sentence in said)


def test_advice_on_what_is_missing():
    """Components that overlap: each iteration gains next to nothing, for long."""
    params = dict(init_params="random_from_data", random_state=0, max_iter=1000)
    slow = GaussianMixture(3, tol=1e-4, **params).fit(X)
    further = GaussianMixture(3, tol=1e-8, **params).fit(X)
    assert further.score(X) - slow.score(X) > 10 * slow.tol
    (sentence,) = slow.summary().advice
    assert "lower tol (now 0.0001)" in sentence


def test_advice_of_a_search():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GaussianMixtureIC([1, 2], covariance_type=["VVV"]).fit(X)
    (sentence,) = search.summary().advice
    assert "2 components, the most that were tried" in sentence


def test_a_stream():
    model = GaussianMixture(2, random_state=0).partial_fit(X).partial_fit(X)
    found = model.summary()
    assert found.status == "stream" and "Followed a stream" in str(found)


def test_a_model_of_ones_own_and_a_parameter_that_was_changed():
    model = GaussianMixture(2, covariance_type=VVI(), random_state=0).fit(X)
    assert model.summary().model == "VVI"
    model.set_params(covariance_type="full")
    assert model.summary().model == "VVI"


def test_variational():
    model = BayesianGaussianMixture(4, max_iter=1000, random_state=0).fit(X)
    found = model.summary(X)
    assert found.bic == pytest.approx(model.bic(X))
    assert found.sizes.tolist() == np.bincount(model.predict(X), minlength=4).tolist()
    assert found.advice == ()


# --- against known classes -----------------------------------------------------


@pytest.mark.parametrize("names", [IRIS.target, IRIS.target_names[IRIS.target]])
def test_table(names):
    model = GaussianMixture(3, random_state=0).fit(IRIS.data)
    table = model.table(IRIS.data, names)
    expected = pandas.crosstab(model.predict(IRIS.data), names)
    np.testing.assert_array_equal(table.counts, expected.to_numpy())
    assert table.classes.tolist() == expected.columns.tolist()
    frame = pandas.DataFrame(table.to_dict())
    np.testing.assert_array_equal(frame.to_numpy(), expected.to_numpy())
    series = pandas.Series(names, index=np.arange(150) + 7)
    assert str(model.table(IRIS.data, series)) == str(table)
    assert str(names[0]) in table._repr_html_()


def test_table_of_weights_and_of_a_component_without_rows():
    model = GaussianMixture.from_parameters([0.5, 0.5], [[0], [99]], [[[1]]] * 2)
    table = model.table([[0.0], [1], [2]], ["b", "a", "b"], sample_weight=[1, 0.5, 2])
    assert table.counts.tolist() == [[0.5, 3], [0, 0]]


@pytest.mark.parametrize("y", [[0, 1], [[0], [1], [2]], [None, "a", "b"], [0.2, 0.7, 1.5]])
def test_table_refuses(y):
    model = GaussianMixture.from_parameters([1], [[0]], [[[1]]])
    with pytest.raises(ValueError, match=r"y (must hold one class|holds classes|holds numbers)"):
        model.table([[0.0], [1], [2]], y)

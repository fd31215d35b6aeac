"""Bad input gets an error that names the data or the parameter."""

import numpy as np
import pandas
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from gmmem import BayesianGaussianMixture, GaussianMixture, GaussianMixtureImputer, Mixture, em
from gmmem.covariances import VEE
from gmmem.initializers import (
    GivenLabels,
    Hierarchical,
    KMeans,
    Nearest,
    RandomPoints,
    RandomResponsibilities,
    Subset,
)
from gmmem.sources import InMemory
from tests.fuzz.density import exact_log_joint

X = np.random.RandomState(0).normal(size=(30, 2))


def with_value(value):
    bad = X.copy()
    bad[3, 1] = value
    return bad


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.c_[X, np.full(30, np.nan)], r"NaN in column\(s\) 2"),
        (np.full((30, 2), np.nan), "nothing but NaN"),
        (with_value(np.inf), "infinity"),
        (np.empty((0, 2)), "0 sample"),
        (np.empty((5, 0)), "0 feature"),
        (X[:1], "minimum of 2"),
        (X[:, 0], "2D array"),
        (X[:2], "n_components = 3"),
        (X + 1j, "[Cc]omplex"),
        (np.array([["a", "b"]] * 5, dtype=object), "could not convert string to float"),
        (with_value(1e200), "rescale the data"),
    ],
)
def test_data(data, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(3, random_state=0).fit(data)


def test_sparse():
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        GaussianMixture().fit(sparse.csr_matrix(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"weights_init": [1.0]}, r"weights_init should have the shape \(2,\)"),
        ({"weights_init": [0.9, 0.9]}, "weights_init should sum to one"),
        ({"weights_init": [1.5, -0.5]}, "weights_init should be in the range"),
        ({"means_init": [[0.0], [1.0]]}, r"means_init should have the shape \(2, 2\)"),
        ({"means_init": [[0.0, np.nan], [1.0, 1.0]]}, "means_init"),
        ({"precisions_init": np.eye(2)}, r"precisions_init should have the shape \(2, 2, 2\)"),
        ({"precisions_init": [np.eye(2), -np.eye(2)]}, "precisions_init should be positive"),
        ({"covariances_init": [np.eye(2), np.ones((2, 2))]}, "covariances_init should be positive"),
        ({"covariances_init": [np.eye(2), [[1, 0.5], [0, 1]]]}, "should be symmetric"),
        ({"covariances_init": [np.eye(2)] * 2, "precisions_init": [np.eye(2)] * 2}, "not both"),
        ({"covariances_init": [[1, 0], [1, 1]], "covariance_type": "diag"}, "positive definite"),
        ({"precisions_init": [1, -1], "covariance_type": "spherical"}, "positive definite"),
        ({"init_params": GivenLabels(np.zeros(5, int))}, r"expected labels of shape \(30,\)"),
        ({"init_params": GivenLabels(np.full(30, 2))}, "labels from 2 to 2"),
        ({"init_params": GivenLabels(np.full(30, 0.5))}, "whole numbers"),
        ({"init_params": GivenLabels(np.full((30, 2), 0.7))}, "sum to one"),
        ({"init_params": GivenLabels(np.full((30, 2), np.nan))}, "finite"),
        ({"init_params": lambda X, K, **_: Nearest(X[:5])}, "5 centres for n_components=2"),
    ],
)
def test_start(params, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2, **params).fit(X)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(30), "at least one non-zero"),
        (np.r_[-1, np.ones(29)], "must not be negative"),
        (np.r_[np.nan, np.ones(29)], "NaN"),
        (np.ones(29), r"\(29,\), expected \(30,\)"),
        (np.r_[1.0, np.zeros(29)], "positive weight"),
    ],
)
def test_sample_weight(weight, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2).fit(X, sample_weight=weight)


def test_collapse_names_component_and_remedy_and_leaves_nothing():
    collapsed = np.r_[np.zeros((10, 2)), X]
    model = GaussianMixture(
        2, reg_covar=0, init_params=GivenLabels(np.r_[np.zeros(10), np.ones(30)])
    )
    with pytest.raises(ValueError, match=r"component 0 .* Increase reg_covar"):
        model.fit(collapsed)
    assert not hasattr(model, "weights_")


def test_constant_column():
    """`reg_covar` is its variance, and it takes no part in the clustering."""
    constant = np.c_[X, np.full(30, 7.0)]
    model = GaussianMixture(2, random_state=0).fit(constant)
    np.testing.assert_allclose(model.means_[:, 2], 7)
    np.testing.assert_allclose(model.covariances_[:, 2], [[0, 0, 1e-6]] * 2, atol=1e-20)
    plain = GaussianMixture(2, random_state=0).fit(X)
    assert np.array_equal(model.predict(constant), plain.predict(X))
    with pytest.raises(ValueError, match="reg_covar"):
        GaussianMixture(2, random_state=0, reg_covar=0).fit(constant)


def test_unfitted_and_wrong_features():
    for name in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
        with pytest.raises(NotFittedError):
            getattr(GaussianMixture(), name)(X)
    with pytest.raises(NotFittedError):
        GaussianMixture().sample()
    model = GaussianMixture().fit(X)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match="n_samples"):
        model.sample(0)


def test_wrong_feature_names():
    model = GaussianMixture().fit(pandas.DataFrame(X, columns=["a", "b"]))
    assert model.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(pandas.DataFrame(X, columns=["a", "c"]))


@pytest.mark.parametrize(
    ("weights", "means", "covariances", "message"),
    [
        ([0.5, 0.6], [[0.0], [1.0]], [[[1.0]]] * 2, "weights should sum to one"),
        ([0.5, 0.5], [0.0, 1.0], [[[1.0]]] * 2, "means should have the shape"),
        ([0.5, 0.5], [[0.0], [1.0]], [[1.0]] * 2, "covariances should have the shape"),
        ([0.5, 0.5], [[0.0], [1.0]], [[[-1.0]]] * 2, "covariances should be positive definite"),
    ],
)
def test_from_parameters(weights, means, covariances, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture.from_parameters(weights, means, covariances)


@pytest.mark.parametrize("reach", [1e10, 1e30, 1e130])
def test_an_outlier_is_a_component_of_its_own(reach):
    """With room for it: its mean is the outlier, and the other's are those of the rest."""
    far = np.r_[X, [[reach, reach]]]
    labels = GivenLabels(np.arange(31) // 30)
    model = GaussianMixture(2, init_params=labels, reg_covar=1e-6 * reach**2).fit(far)
    np.testing.assert_allclose(model.weights_, [30 / 31, 1 / 31])
    np.testing.assert_allclose(model.means_[1], reach)
    np.testing.assert_allclose(model.means_[0], X.mean(axis=0), atol=1e-14 * reach)
    assert model.predict(far).tolist() == labels.assignment.tolist()


@pytest.mark.parametrize("far", [1e10, 1e30, 1e100])
def test_an_outlier_of_its_own_is_kept_by_reg_covar(far):
    """Without it, it is a point, or makes columns as good as equal."""
    rows = np.r_[X, [[far, far]]]
    model = GaussianMixture(2, init_params=GivenLabels(np.arange(31) // 30)).fit(rows)
    assert np.array_equal(model.predict(rows), np.arange(31) // 30)
    np.testing.assert_allclose(model.means_[0], X.mean(axis=0))
    model.set_params(reg_covar=0)
    with pytest.raises(ValueError, match=r"(component 1|as a whole).*Increase reg_covar"):
        model.fit(rows)


@pytest.mark.parametrize("reach", [1e10, 1e30, 1e130])
def test_an_outlier_to_predict_changes_no_other_row(reach):
    far = np.r_[X, [[reach, reach]]]
    model = GaussianMixture(2, random_state=0).fit(X)
    density, shares = model.score_samples(far), model.predict_proba(far)
    np.testing.assert_allclose(density[:-1], model.score_samples(X), rtol=1e-12)
    np.testing.assert_allclose(shares[:-1], model.predict_proba(X), rtol=1e-9, atol=1e-15)
    exact = exact_log_joint(model, far[-1:])[0]
    assert density[-1] == pytest.approx(float(exact.max()), rel=1e-12)
    np.testing.assert_allclose(shares[-1], np.arange(2) == exact.argmax(), atol=1e-12)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Nearest(np.zeros((2, 1))), "centres with 1 features, but X has 2"),
        (Nearest([[0.0, 0.0], [np.nan, 3.0]]), "not finite"),
        (Nearest([0.0, 6.0]), r"in an array of shape \(2,\)"),
        (Nearest(None), "centres"),
        (None, "init_params"),
        (["a"] * 30, "init_params"),
        (np.full(30, np.nan), "whole numbers"),
        (Subset(X[:5], np.ones(4), [0, 1, 0, 1, 0]), "Subset that is not usable"),
        (Subset(X[:5, :1], None, [0, 1, 0, 1, 0]), "Subset with 1 features"),
        (Subset(X[:5], -np.ones(5), [0, 1, 0, 1, 0]), "at least 0"),
    ],
)
def test_answer_of_an_initialiser(answer, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(2, init_params=lambda X, n_components, **_: answer).fit(X)


def test_labels_of_any_kind_of_number():
    labels = np.arange(30) % 2
    plain = GaussianMixture(2, init_params=GivenLabels(labels)).fit(X)
    for other in (labels.astype(float), labels.astype(object), labels.astype(bool), list(labels)):
        model = GaussianMixture(2, init_params=GivenLabels(other)).fit(X)
        np.testing.assert_array_equal(model.means_, plain.means_)


@pytest.mark.parametrize("initialise", [RandomPoints(), RandomResponsibilities(), KMeans()])
def test_initialisers_without_a_random_state(initialise):
    """They draw anew, and give a start that is usable: each component has rows."""
    model = GaussianMixture(2, init_params=lambda X, K, **_: initialise(X, K), max_iter=0).fit(X)
    assert (model.weights_ >= 1 / 30 - 1e-12).all()
    assert model.weights_.sum() == pytest.approx(1)


def test_parameters_of_initialisers():
    with pytest.raises(ValueError, match="max_samples=-1"):
        KMeans(max_samples=-1)(X, 2)
    model = GaussianMixture(5, init_params=KMeans(max_samples=1), max_iter=0, reg_covar=0.1).fit(X)
    assert model.predict(X).max() == 4  # At least as many rows as components are kept.
    with pytest.raises(ValueError, match="finite"):
        Hierarchical().grow(with_value(np.nan))
    assert len(set(Hierarchical().grow(X.tolist()).labels(3))) == 3


IDENTITIES = [np.eye(2)] * 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([0.5, 0.5], [[0, 0], [6, 3]], [1.0, 7.0], "EII"), "all the same"),
        (([5, 5], [[0, 0], [6, 3]], IDENTITIES), "sum to one"),
        (([1.5, -0.5], [[0, 0], [6, 3]], IDENTITIES), "at least 0"),
        (([1.0], [[0, 0], [6, 3]], IDENTITIES), "weights must have the shape"),
        (([0.5, 0.5], [[0, np.nan], [1, 1]], IDENTITIES), "means must be finite"),
        (([0.5, 0.5], [0, 1], IDENTITIES), "means must be"),
        (([0.5, 0.5], [[0, 0], [6, 3]], [np.eye(2)]), "covariances must have the shape"),
        (([0.5, 0.5], [[0, 0], [6, 3]], [np.eye(2), [[1, 0.9], [0, 1]]]), "symmetric"),
        (([0.5, 0.5], [[0, 0], [6, 3]], [np.eye(2), -np.eye(2)]), "not positive definite"),
        (([0.5, 0.5], np.zeros((2, 0)), np.zeros((2, 0, 0))), "means must be"),
    ],
)
def test_mixture_from_arrays(arrays, message):
    with pytest.raises(ValueError, match=message):
        Mixture.from_arrays(*arrays)


def test_a_mixture_is_immutable_and_checks_its_rows():
    weights = np.array([0.5, 0.5])
    mixture = Mixture.from_arrays(weights, [[0, 0], [6, 3]], IDENTITIES)
    before = mixture.log_density(X)
    weights[:] = [0.9, 0.1]
    np.testing.assert_array_equal(mixture.log_density(X), before)
    with pytest.raises(ValueError, match="read-only"):
        mixture.weights[0] = 9
    for rows in ([1.0, 2.0], [[1.0], [2.0]]):
        with pytest.raises(ValueError, match="X must have the shape"):
            mixture.log_density(rows)


def test_engine_checks_its_input():
    mixture = Mixture.from_arrays([0.5, 0.5], [[0, 0], [6, 3]], IDENTITIES)
    for weight, message in [
        (np.ones(31), "shape"),
        (-np.ones(30), "at least 0"),
        (np.full(30, np.nan), "finite"),
        (np.zeros(30), "sums to 0"),
        (np.full(30, 1e306), "rescale"),
    ]:
        with pytest.raises(ValueError, match=message):
            InMemory(X, weight)
    with pytest.raises(ValueError, match="real numbers"):
        InMemory(X + 1j)
    with pytest.raises(ValueError, match="nothing but NaN"):
        em.fit(mixture, InMemory(np.full((3, 2), np.nan)))
    for params, message in [
        ({"max_iter": 0}, "max_iter=0"),
        ({"reg_covar": -1}, "reg_covar=-1"),
        ({"max_iter": True}, "max_iter=True"),
        ({"max_iter": 2.5}, "max_iter=2.5"),
        ({"tol": None}, "tol=None"),
        ({"reg_covar": np.nan}, "reg_covar"),
        ({"reg_covar": np.inf}, "reg_covar=inf"),
        ({"reg_covar": None}, "reg_covar=None"),
        ({"model": "round"}, "covariance_type"),
        ({"model": "diag"}, "of another kind"),
    ]:
        with pytest.raises(ValueError, match=message):
            em.fit(mixture, InMemory(X), **params)


@pytest.mark.parametrize("called", [em.fit, em.expect, lambda *args: next(em.iterate(*args))])
def test_the_engine_names_what_is_no_source_and_no_mixture(called):
    mixture = Mixture.from_arrays([0.5, 0.5], [[0, 0], [6, 3]], IDENTITIES)
    with pytest.raises(TypeError, match=r"rows must be a source, not ndarray.*InMemory\(X\)"):
        called(mixture, X)
    with pytest.raises(TypeError, match=r"must be a Mixture, not GaussianMixture.*mixture_"):
        called(GaussianMixture().fit(X), InMemory(X))
    with pytest.raises(ValueError, match="has 2 features, the rows 1"):
        called(mixture, InMemory(X[:, :1]))


def test_words_that_are_refused_come_with_the_options_in_their_order():
    for model, options in [
        (BayesianGaussianMixture(covariance_type="vvv"), "'full', 'tied', 'diag', 'spherical'"),
        (GaussianMixture(stopping="never"), "'change', 'aitken'"),
        (GaussianMixture(component_order="size"), "'weight', 'mean'"),
        (GaussianMixtureImputer(strategy="median"), "'mean', 'sample'"),
    ]:
        with pytest.raises(ValueError, match=options):
            model.fit(X)


def test_a_class_is_no_model():
    with pytest.raises(ValueError, match=r"pass an instance: VEE\(\)"):
        GaussianMixture(2, covariance_type=VEE).fit(X)


def test_a_failed_refit_leaves_the_old_model():
    model = GaussianMixture(2, random_state=0).fit(X)
    expected = model.score_samples(X)
    model.set_params(n_components=25, reg_covar=0)
    with pytest.raises(ValueError, match="Increase reg_covar"):
        model.fit(np.hstack([X, X]))
    np.testing.assert_array_equal(model.score_samples(X), expected)


def test_rows_too_far_to_square():
    model = GaussianMixture(2, random_state=0).fit(X)
    alone = model.score_samples([[0.0, 0.0]])
    for far in ([1e200, 1.0], [1e155, 0.0], [-1e307, 1e308]):
        density = model.score_samples([far, [0.0, 0.0]])
        assert density[0] == -np.inf and density[1] == pytest.approx(alone[0], rel=1e-13)
        shares = model.predict_proba([far, [0.0, 0.0]])
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert np.array_equal(model.predict([far, [0.0, 0.0]]), shares.argmax(axis=1))
    assert np.isfinite(model.score_samples([[1e130, 0.0]])).all()


def test_degenerate_data_gives_the_error_and_no_warning():
    for code in ("EVE", "VVE", "EEV", "VEV"):
        for data in (np.c_[X, X], np.c_[X, np.ones(30)]):
            model = GaussianMixture(2, covariance_type=code, reg_covar=0, random_state=0)
            with pytest.raises(ValueError, match="Increase reg_covar"):
                model.fit(data)

"""
A whole analysis: load, search, look, test, report
==================================================

    python examples/plot_analysis.py

Prints the best candidates, the test for the number of components and the parameters with
their standard errors; writes analysis.png.
"""

import matplotlib.pyplot as plt
import pandas as pd

from gmmem import GaussianMixture, GaussianMixtureIC
from gmmem.bootstrap import bootstrap, likelihood_ratio_test
from gmmem.datasets import load_old_faithful
from gmmem.displays import (
    CriterionDisplay,
    LikelihoodDisplay,
    MixtureDisplay,
    UncertaintyDisplay,
)


def main():
    X = pd.DataFrame(load_old_faithful(), columns=["eruption (min)", "waiting (min)"])

    search = GaussianMixtureIC().fit(X)
    results = pd.DataFrame(search.results_).sort_values("bic")
    columns = ["covariance_type", "n_components", "log_likelihood", "n_parameters", "bic", "icl"]
    print(results[columns].head(5).round(1).to_string(index=False))

    test = likelihood_ratio_test(X, 1, covariance_type="EEE", random_state=0)
    print(
        f"\n1 against 2 components: statistic {test.statistic:.1f}, p = {test.p_value:.3f} "
        f"({len(test.replicates)} replicates)"
    )

    best = search.best_estimator_
    errors = bootstrap(best, X, n_replicates=199, random_state=0).standard_errors()
    print(f"\nThe best model, {search.covariance_type_}, with standard errors:")
    for k in range(search.n_components_):
        weight = f"{best.weights_[k]:.2f} ({errors['weights'][k]:.2f})"
        mean = ", ".join(
            f"{value:.2f} ({error:.2f})"
            for value, error in zip(best.means_[k], errors["means"][k], strict=True)
        )
        print(f"  component {k}: weight {weight}, mean {mean}")

    figure, axes = plt.subplots(2, 2, figsize=(12, 8.5), layout="constrained")
    CriterionDisplay.from_estimator(search, ax=axes[0, 0])
    axes[0, 0].set(title="BIC: the lower, the better", ylim=(2300, 2500))
    MixtureDisplay.from_estimator(search, X, ax=axes[0, 1])
    axes[0, 1].set_title("The best mixture")
    UncertaintyDisplay.from_estimator(search, X, ax=axes[1, 0])
    axes[1, 0].set_title("How sure each assignment is")
    starts = GaussianMixture(
        search.n_components_,
        covariance_type=search.covariance_type_,
        init_params="random_from_data",
        n_init=6,
        max_iter=500,
        tol=1e-5,
        random_state=0,
    ).fit(X)
    LikelihoodDisplay.from_estimator(starts, ax=axes[1, 1])
    axes[1, 1].set_title("The same model from six random starts")
    figure.savefig("analysis.png", dpi=100)


if __name__ == "__main__":
    main()

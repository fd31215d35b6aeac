"""
A whole analysis: load, search, look, test, report
==================================================

    python examples/plot_analysis.py

Prints the best candidates, the test for the number of components and the parameters with
their standard errors; writes analysis.png.
"""

import matplotlib.pyplot as plt
import numpy as np

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
    X = load_old_faithful()

    search = GaussianMixtureIC().fit(X)
    results = search.results_
    print("model  components  log-likelihood  parameters     bic     icl")
    for i in np.argsort(results["bic"])[:5]:
        name, size = results["covariance_type"][i], results["n_components"][i]
        print(
            f"{name:5} {size:11} {results['log_likelihood'][i]:15.1f} "
            f"{results['n_parameters'][i]:11} {results['bic'][i]:7.1f} {results['icl'][i]:7.1f}"
        )

    test = likelihood_ratio_test(X, 1, covariance_type="EEE", n_replicates=49, random_state=0)
    print(
        f"\n1 against 2 components: statistic {test.statistic:.1f}, p = {test.p_value:.3f} "
        f"({len(test.replicates)} replicates)\n"
    )

    replicates = bootstrap(search, X, n_replicates=99, random_state=0)
    print(search.summary(bootstrap=replicates))

    figure, axes = plt.subplots(2, 2, figsize=(12, 8.5), layout="constrained")
    CriterionDisplay.from_estimator(search, ax=axes[0, 0])
    axes[0, 0].set(title="BIC: the lower, the better", ylim=(2300, 2500))
    MixtureDisplay.from_estimator(search, X, ax=axes[0, 1])
    axes[0, 1].set(
        title="The best mixture", xlabel="eruption (min)", ylabel="wait for the next (min)"
    )
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

"""How many components, tested; how sure the parameters are: both by the bootstrap."""

from gmmem.bootstrap.likelihood_ratio import LikelihoodRatioTest, likelihood_ratio_test
from gmmem.bootstrap.parameters import Bootstrap, bootstrap

__all__ = ["Bootstrap", "LikelihoodRatioTest", "bootstrap", "likelihood_ratio_test"]

"""scikit-learn's regularisation, as a prior."""

from dataclasses import dataclass

import numpy as np

from gmmem.moments import Scatters
from gmmem.priors.base import Prior


@dataclass(frozen=True)
class Ridge(Prior):
    """scikit-learn's regularisation: ``mass_k * reg_covar * I`` on every scatter.

    As the scatters are summed before the model estimates, every model keeps its structure.

    Parameters
    ----------
    reg_covar : float, default=0
        In squared units of the data.

    Raises
    ------
    ValueError
        If it is negative or not a number.
    """

    reg_covar: float = 0.0

    def __post_init__(self):
        if not self.reg_covar >= 0:
            raise ValueError(f"reg_covar={self.reg_covar} must be at least 0.")

    @property
    def keeps_regular(self) -> bool:
        return self.reg_covar > 0

    @property
    def floor(self) -> float:
        return self.reg_covar

    def add(self, scatters: Scatters) -> Scatters:
        if self.reg_covar == 0:
            return scatters
        scatter, form, d = scatters.scatter, scatters.form, scatters.means.shape[1]
        shares = scatters.mass
        if scatters.lost is not None:
            shares = np.where(scatters.lost, 0, shares)  # What is lost is not to grow either.
        if len(scatter) < len(shares):
            shares = shares.sum(keepdims=True)
        ridge = self.reg_covar * np.multiply.outer(shares, form.identity(d))
        return scatters._replace(scatter=scatter + ridge)


NO_PRIOR = Ridge(0.0)

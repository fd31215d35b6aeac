"""How EM goes from one mixture to the next."""

from gmmem.updates.base import Rule, State
from gmmem.updates.extrapolated import Extrapolated
from gmmem.updates.plain import PLAIN, Plain
from gmmem.updates.stepwise import Decreasing

__all__ = ["PLAIN", "Decreasing", "Extrapolated", "Plain", "Rule", "State"]

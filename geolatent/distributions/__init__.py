"""Probability distributions on manifolds; every density names its reference measure."""

from geolatent.distributions.wrapped_normal import WrappedNormal

__all__ = ["WrappedNormal"]

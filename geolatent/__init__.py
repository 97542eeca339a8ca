"""geolatent: the geometry of latent spaces, assumed, measured and compared.

Importing the package is cheap: nothing heavier than this file is loaded until a
subpackage is asked for (``geolatent.metrics``, ``geolatent.geodesics``,
``geolatent.interpolation`` ...).
"""

__version__ = "0.1.0"

__all__ = ["__version__"]

"""The command line: ``geolatent train``, ``audit``, ``sensitivity`` and the others.

The files in ``experiments/`` call the same commands, so that a checkout and an installed wheel
do the same. Nothing heavy is imported before a command is known.
"""

from geolatent.cli.entry import main

__all__ = ["main"]

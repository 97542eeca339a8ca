"""Compare paths in a trained model: python experiments/interpolate.py run=runs/my-run."""

import sys

from geolatent.cli import main

if __name__ == "__main__":
    sys.exit(main(["interpolate", *sys.argv[1:]]))

"""Which choices move which verdict: python experiments/sensitivity.py seed=0,1 train.beta=0.5,2."""

import sys

from geolatent.cli import main

if __name__ == "__main__":
    sys.exit(main(["sensitivity", *sys.argv[1:]]))

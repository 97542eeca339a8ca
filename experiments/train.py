"""Train one model, or sweep with -m: python experiments/train.py latent=hyperbolic seed=1."""

import sys

from geolatent.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))

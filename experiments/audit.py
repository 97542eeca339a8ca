"""Test the assumptions of a trained model: python experiments/audit.py run=runs/my-run."""

import sys

from geolatent.cli import main

if __name__ == "__main__":
    sys.exit(main(["audit", *sys.argv[1:]]))

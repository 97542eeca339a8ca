"""Measure how often an audit is wrong: python experiments/calibrate.py only=[flat]."""

import sys

from geolatent.cli import main

if __name__ == "__main__":
    sys.exit(main(["calibrate", *sys.argv[1:]]))

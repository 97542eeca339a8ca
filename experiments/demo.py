"""Three models on digits, their paths, and one page to open: python experiments/demo.py."""

import sys

from geolatent.cli import main

if __name__ == "__main__":
    sys.exit(main(["demo", *sys.argv[1:]]))

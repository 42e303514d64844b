"""`python -m nakawari`."""

import sys

from nakawari.cli import main

if __name__ == "__main__":
    sys.exit(main())

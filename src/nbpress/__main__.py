"""`python -m nbpress`: the command line, also in folders whose name breaks console scripts."""

import sys

from nbpress.cli import main

if __name__ == "__main__":
    sys.exit(main())

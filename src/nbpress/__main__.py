"""`python -m nbpress`: the command line; it works even where a folder's name breaks scripts."""

import sys

from nbpress.cli import main

if __name__ == "__main__":
    sys.exit(main())

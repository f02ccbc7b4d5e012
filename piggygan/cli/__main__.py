"""So that ``python -m piggygan.cli`` is the ``piggygan`` command."""

import sys

from piggygan.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""The examples are scripts that import one another by plain names; so do their tests."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "examples"
if str(FOLDER) not in sys.path:
    sys.path.insert(0, str(FOLDER))

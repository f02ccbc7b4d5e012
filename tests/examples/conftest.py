"""The examples are scripts that import one another by plain names; so do their tests, and what the tests share."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE.parents[1] / "examples", HERE):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

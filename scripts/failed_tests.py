"""Prints the names of the tests that failed last, a line each: `make again` runs them.

pytest's own `--last-failed` does not know them again: while several processes share the tests, each name ends with that
of its group.
"""

import json
import re
import sys
from pathlib import Path

GROUP = re.compile(r"@[^@\]]*$")
FAILED = Path(".pytest_cache/v/cache/lastfailed")

if __name__ == "__main__":
    try:
        names = json.loads(FAILED.read_text())
    except (OSError, ValueError):
        sys.exit(f"{FAILED} names no test that failed: run `make test` first")
    sys.stdout.writelines(f"{GROUP.sub('', name)}\n" for name in names)

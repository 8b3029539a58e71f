"""`python -m tests`: every check that a change must pass. What follows goes to pytest, as in `-k conv`.

Runs them all, pytest last, and exits with 1 if any of them fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKS = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["pytest"])


def main(pytest_arguments: list[str]) -> int:
    """Run the checks in the repository's root."""
    codes = []
    for command in CHECKS:
        print(f"== {' '.join(command)}", flush=True)
        arguments = pytest_arguments if command == ["pytest"] else []
        line = [sys.executable, "-m", *command, *arguments]
        codes.append(subprocess.run(line, cwd=Path(__file__).parents[1], check=False).returncode)
        if codes[-1] and command != ["pytest"]:  # whose own summary is the last line
            print(f"== {' '.join(command)} failed", file=sys.stderr, flush=True)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

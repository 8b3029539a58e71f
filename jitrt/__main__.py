"""`python -m jitrt` is the command `jitrt`."""

import sys

from jitrt.cli import main

sys.exit(main())

"""Messages to the standard library's logger "jitrt", by onnxruntime's severities.

A session's own `log_severity_level` and `logid` go before the default.
"""

from __future__ import annotations

import logging

LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
VERBOSE, INFO, WARNING, ERROR, FATAL = range(5)

logger = logging.getLogger("jitrt")
_default = WARNING


def set_default_logger_severity(severity: int) -> None:
    """Log messages of this severity and above: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal."""
    global _default
    if not VERBOSE <= severity <= FATAL:
        raise RuntimeError(f"Invalid logger severity {severity}: expected 0 (verbose) to 4 (fatal)")
    _default = severity


def set_default_logger_verbosity(verbosity: int) -> None:
    """Accepted as onnxruntime does; messages have one degree of detail here."""


def log(severity: int, message: str, *, least: int = -1, logid: str = "") -> None:
    """Log a message if its severity is at least `least`, or the default's where that is negative."""
    if severity >= (_default if least < 0 else least):
        if not logger.handlers and not logging.getLogger().handlers:
            logger.addHandler(logging.StreamHandler())  # the user set no logging up and wants messages
            logger.setLevel(logging.DEBUG)
        logger.log(LEVELS[severity], "%s%s", f"[{logid}] " if logid else "", message)

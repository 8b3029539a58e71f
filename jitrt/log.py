"""Messages to the standard library's logger "jitrt", by onnxruntime's severities.

A session's `log_severity_level` and `logid` go before the default, and a run's before the session's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jitrt import forks

LEVELS = (10, 20, 30, 40, 50)  # logging's DEBUG, INFO, WARNING, ERROR and CRITICAL
VERBOSE, INFO, WARNING, ERROR, FATAL = range(5)
Callback = Callable[[int, str, str, str, str], None]

_default = WARNING
_callback: Callback | None = None


def set_default_logger_severity(severity: int) -> None:
    """Log messages of this severity and above: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal.

    It holds for sessions that are made from now on. Raises RuntimeError for another number.
    """
    global _default
    if not VERBOSE <= severity <= FATAL:
        raise RuntimeError("Invalid logging severity. 0:Verbose, 1:Info, 2:Warning, 3:Error, 4:Fatal")
    _default = severity


def set_default_logger_verbosity(verbosity: int) -> None:
    """Accepted as onnxruntime does; messages have one degree of detail here."""


def set_default_logger_callback(callback: Callback | None, severity: int = WARNING) -> None:
    """Give messages to `callback(severity, category, logid, location, message)` in place of the logger.

    With one, `severity` becomes the default; None brings the logger back.
    """
    global _callback
    if callback is not None:
        set_default_logger_severity(severity)
    _callback = callback


class Log(NamedTuple):
    """Where a session or a run logs: messages of severity `least` and above, after `logid`."""

    least: int
    logid: str = ""

    @classmethod
    def of(cls, severity: int, logid: str) -> Log:
        """By the options of a session; a negative severity is the default's. Raises RuntimeError above 4."""
        if severity > FATAL:
            raise RuntimeError(f"Invalid session log severity level. Not a valid severity: {severity}")
        return cls(_default if severity < 0 else severity, logid)

    def of_run(self, severity: int, logid: str) -> Log:
        """By the options of a run in the session."""
        both = ":".join(filter(None, (self.logid, logid)))
        return Log(self.least if severity < 0 else severity, both)

    def says(self, severity: int) -> bool:
        """Whether messages of the severity are logged."""
        return severity >= self.least

    def add(self, severity: int, message: str) -> None:
        """Log a message, where its severity is high enough."""
        if severity < self.least:
            return
        if _callback is not None:
            try:
                _callback(severity, "jitrt", self.logid, "", message)
            except Exception as error:  # a run does not fail because its log does
                import traceback

                traceback.print_exception(error)
            return
        logging = forks.import_logging()  # which most sessions never need
        logger = logging.getLogger("jitrt")
        if not logger.handlers and not logging.getLogger().handlers:
            logger.addHandler(logging.StreamHandler())  # the user set no logging up and wants messages
            logger.setLevel(logging.DEBUG)
        logger.log(LEVELS[severity], "%s%s", f"[{self.logid}] " if self.logid else "", message)

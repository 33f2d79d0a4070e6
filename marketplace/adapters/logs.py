"""No log line shows an NHS number, whoever writes it: `hide_numbers_in_logs` is called where a process begins.

Our own code logs none. But a server logs addresses as they were asked for, a driver puts values into its errors, and a
library may log whatever it is given. All of it becomes a log record first, so it is hidden there: a filter would have
to be hung on every handler, those too that a server makes later.
"""

import logging
from typing import Any

from marketplace.rules.privacy import without_nhs_numbers

_FORMATTER = logging.Formatter()


class _HidesNumbers:
    """Makes log records as it was done before, without the numbers."""

    def __init__(self, made_by: Any) -> None:
        self._made_by = made_by

    def __call__(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._made_by(*arguments, **named)
        try:
            message = record.getMessage()
        except Exception:  # its writer made a mistake in it: logging itself says so, without the arguments
            record.msg, record.args = f"A log message that does not fit its values: {record.name}", ()
            return record
        hidden = without_nhs_numbers(message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        if record.exc_info and record.exc_info[0] is not None:
            told = _FORMATTER.formatException(record.exc_info)
            record.exc_text = without_nhs_numbers(told)
            if record.exc_text != told:
                record.exc_info = None  # a handler may write it down by itself; `exc_text` is what it shall find
        if record.stack_info:
            record.stack_info = without_nhs_numbers(record.stack_info)
        return record


def hide_numbers_in_logs() -> None:
    """From now on this process logs no NHS number. Calling it twice changes nothing."""
    made_by = logging.getLogRecordFactory()
    if not isinstance(made_by, _HidesNumbers):
        logging.setLogRecordFactory(_HidesNumbers(made_by))

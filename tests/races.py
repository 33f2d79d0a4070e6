"""Two writers at the same moment, in an order that a test decides."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from marketplace.records.database import writing

Step = Callable[[Session], object]
WAIT_S = 0.4
"""Long enough for the second to come to where it waits, on a busy machine too: it takes a handful of statements."""


def while_open(here: Session, first: Step, there: Session, second: Step, then: Step | None = None) -> Exception | None:
    """Take the first step; before its transaction ends begin the second; go on with `then`. What the second raised."""

    def begin() -> Exception | None:
        try:
            with writing(there):
                second(there)
        except Exception as error:
            return error
        return None

    with ThreadPoolExecutor(1) as beside:
        with writing(here):
            first(here)
            answer = beside.submit(begin)
            time.sleep(WAIT_S)
            if then is not None:
                then(here)
        return answer.result()

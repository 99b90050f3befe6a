"""Trying again what others' writes got in the way of.

The pattern everywhere: look at what is there, decide, write on the condition that it is still there. When the
condition fails or two transactions meet, the whole step is done again, looking afresh: whoever lost the race sees
the winner's work and decides anew. A reply that was lost looks the same, and ends by finding one's own work done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pynamodb.exceptions import PynamoDBException, TransactWriteError

from cpcs.errors import StorageConflict

Result = TypeVar("Result")

TRIES = 8
_SHORTEST_S, _LONGEST_S = 0.05, 2.0
_CONDITION = "ConditionalCheckFailed"
_PASSING = frozenset(
    {
        "ConditionalCheckFailedException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    }
)
_PASSING_REASONS = frozenset({_CONDITION, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class LookAgain(Exception):  # noqa: N818 -- a wish, not an error
    """What a step has read does not fit together: somebody has changed it between two reads."""


def is_passing(error: PynamoDBException) -> bool:
    """Whether looking and trying again may help: a condition that failed, a conflict, or too much at once."""
    if isinstance(error, TransactWriteError) and error.cancellation_reasons:
        return all(reason is None or reason.code in _PASSING_REASONS for reason in error.cancellation_reasons)
    return error.cause_response_code in _PASSING


def condition_failed(error: PynamoDBException) -> bool:
    """Whether a single write was refused by its own condition."""
    return error.cause_response_code == "ConditionalCheckFailedException"


def until_settled(what: str, step: Callable[[], Result], sleep: Callable[[float], None] = time.sleep) -> Result:
    """Do ``step`` (look, decide, write) until it goes through.

    Parameters
    ----------
    what
        What is being changed, for the error.
    step
        Looks afresh each time it is called; raises `LookAgain` where what it read does not fit together.
    sleep
        Waits; full jitter, so that those who met do not meet again.

    Raises
    ------
    StorageConflict
        It did not go through in `TRIES` tries.
    """
    for number in range(TRIES):
        try:
            return step()
        except LookAgain:
            pass
        except PynamoDBException as error:
            if not is_passing(error):
                raise
        sleep(random.uniform(0.0, min(_LONGEST_S, _SHORTEST_S * 2**number)))
    raise StorageConflict(what=what)

"""Numbers given out once: of follow-up points, events and observatories, as the first CPCS's interface wants them."""

from __future__ import annotations

from . import keys
from .models import CounterItem, Models


def next_number(models: Models, of: str) -> int:
    """Return the next number. One that is taken and then not used leaves a gap, and that is all."""
    item = models.counters(keys.counter(of), keys.META)
    item.update(actions=[CounterItem.value.add(1)])
    return int(item.value)

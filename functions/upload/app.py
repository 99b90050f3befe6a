"""Entry of the upload function."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cpcs.settings import Settings
from cpcs.storage import Store
from cpcs.web.front import Front

from . import api, cgi, mappings
from .desk import Desk


def build(settings: Settings, store: Store) -> Front:
    """Put the function together."""
    front = Front("upload")
    desk = Desk(front=front, settings=settings, store=store)
    api.register(desk)
    cgi.register(desk)
    mappings.register(desk)
    return front


@cache
def _front() -> Front:
    """Connect once for each warm environment."""
    settings = Settings.from_environment(os.environ)
    return build(settings, Store.connect(settings))


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return _front()(event, context)

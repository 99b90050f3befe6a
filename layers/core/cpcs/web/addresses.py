"""Every address of the server, with the methods it takes; which of the two functions answers, the template says.

Both functions need the whole table: a wrong method is told from a wrong address by it. A test holds it to the
routes that the functions really have.
"""

from __future__ import annotations

import re
from functools import cache

TAIL = ".+"  # names of events hold slashes and more: they run to the end of the path

ROUTES: tuple[tuple[str, str], ...] = (
    ("POST", "/api/session"),
    ("DELETE", "/api/session"),
    ("POST", "/api/uploads"),
    ("GET", "/api/uploads"),
    ("GET", "/api/uploads/<job_id>"),
    ("POST", "/api/events"),
    ("GET", "/api/events"),
    ("GET", f"/api/events/{TAIL}"),
    ("GET", f"/api/lightcurves/{TAIL}"),
    ("GET", "/api/followups"),
    ("GET", "/api/followups/<followup_id>"),
    ("DELETE", "/api/followups/<followup_id>"),
    ("GET", "/api/observatories"),
    ("POST", "/api/observatories"),
    ("GET", "/api/observatories/<observatory_id>/colour-terms"),
    ("GET", "/api/observatories/<observatory_id>/mappings"),
    ("GET", f"/api/observatories/<observatory_id>/mappings/{TAIL}"),
    ("PUT", f"/api/observatories/<observatory_id>/mappings/{TAIL}"),
    ("DELETE", f"/api/observatories/<observatory_id>/mappings/{TAIL}"),
    ("GET", "/api/keywords"),
    ("POST", "/api/keys"),
    ("GET", "/api/catalogues"),
    ("GET", "/api/calibrations/<job_id>/report"),
    ("GET", "/api/calibrations/<job_id>/header"),
    ("GET", "/api/calibrations/<job_id>/figures/<name>"),
    ("GET", "/api/calibrations/<job_id>/files/<name>"),
    ("POST", "/api/recalibrations"),
    ("GET", "/api/recalibrations/<recalibration_id>"),
    ("GET", "/api/me"),
    ("GET", "/api/health"),
    # the first CPCS's
    ("GET", "/list_of_alerts/?"),
    ("GET", "/list_of_followups/?"),
    ("GET", "/observatories/?"),
    ("GET", "/get_alert_lc_data/?"),
    ("GET", "/Login/?"),
    ("POST", "/Login/?"),
    ("POST", "/cgi/login"),
    ("GET", "/cgi/logout"),
    ("POST", "/cgi/logout"),
    ("GET", "/cgi/upload/?"),
    ("POST", "/cgi/upload/?"),
    ("GET", "/cgi/newevent/?"),
    ("POST", "/cgi/newevent/?"),
    ("GET", "/cgi/delpoint/?"),
    ("POST", "/cgi/delpoint/?"),
    ("GET", "/cgi/newuser/?"),
    ("POST", "/cgi/newuser/?"),
)


def methods_of(path: str) -> list[str]:
    """Return the methods that an address takes, sorted; none if nothing lives there. HEAD goes where GET does."""
    found = {method for method, pattern in _compiled() if pattern.fullmatch(path)}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def is_api(path: str) -> bool:
    """Whether errors at this address are told as JSON."""
    return path == "/api" or path.startswith("/api/")


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((method, re.compile(re.sub(r"<\w+>", "[^/]+", rule))) for method, rule in ROUTES)

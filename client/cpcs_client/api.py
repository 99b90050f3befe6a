"""The server's JSON interface as Python calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

TERMINAL = frozenset({"DONE", "REJECTED", "FAILED", "DELETED"})
Document = dict[str, Any]


class Refused(Exception):  # noqa: N818 -- it is what the server said, not a fault
    """The server refused, and said why.

    Attributes
    ----------
    code, message, hint
        As the server gave them; ``code`` is stable.
    status
        The HTTP status.
    """

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        self.status, self.code, self.message, self.hint = status, code, message, hint
        super().__init__(f"{code}: {message} {hint}".strip())


class Unreachable(Exception):  # noqa: N818 -- likewise
    """The server did not answer, or not as a CPCS server does."""


class Client:
    """One server, with or without a key.

    Parameters
    ----------
    base_url
        The address of the site, for instance ``http://127.0.0.1:8020``.
    key
        The observatory's key; reading needs none where light curves are public.
    timeout_s
        For one request, seconds.
    transport
        Of httpx, in place of the network.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=self.base_url, headers=headers, timeout=timeout_s, transport=transport)
        # Files go to S3, which is none of the key's business, and refuses a form that comes with another credential.
        self._keyless = httpx.Client(timeout=timeout_s, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._keyless.close()

    # --- uploading ----------------------------------------------------------------------------

    def upload(self, file: Path, *, event: str, mjd: float, **options: object) -> Document:
        """Send one catalogue or image; the answer is the job, which goes on by itself.

        Parameters
        ----------
        file
            The catalogue.
        event
            The event's name, in any form.
        mjd
            Middle of the exposure, MJD (UTC).
        **options
            ``exposure_s``, ``matching_radius_arcsec``, ``filter``, ``filter_hint``, ``camera``, ``dry_run``,
            ``comment``.

        Returns
        -------
        dict
            ``job_id``, ``state``, ``status_url``.

        Raises
        ------
        Refused
            The request or the file was refused.
        """
        asked = {name: value for name, value in options.items() if value is not None}
        size = file.stat().st_size
        job = self._send("POST", "/api/uploads", json={
            "event": event, "mjd": mjd, "filename": file.name, "size": size, **asked,
        })  # fmt: skip
        form = job["upload"]
        with file.open("rb") as stream:
            sent = {"data": form["fields"], "files": {"file": (file.name, stream)}}
            answer = self._request("POST", form["url"], self._keyless, **sent)
        self._checked(answer)
        return {name: job[name] for name in ("job_id", "status_url")} | {"state": "UPLOADED"}

    def status(self, job_ids: Sequence[str]) -> list[Document]:
        """Return where jobs stand, in one call."""
        items: list[Document] = self._send("GET", "/api/uploads", params={"ids": ",".join(job_ids)})["items"]
        return items

    def wait(
        self, job_ids: Sequence[str], *, timeout_s: float = 120.0, seen: Callable[[Document], None] | None = None
    ) -> list[Document]:
        """Wait until every job is at its end (or waits for reference stars), and return them all.

        Raises
        ------
        TimeoutError
            Some are still under way after ``timeout_s``.
        """
        left, ended = list(job_ids), dict[str, Document]()
        deadline = time.monotonic() + timeout_s
        pause = 0.1
        while left:
            for job in self.status(left[:100]):
                if job["state"] in TERMINAL or job["state"] == "WAITING_REFERENCE":
                    ended[job["job_id"]] = job
                    if seen:
                        seen(job)
            left = [job_id for job_id in left if job_id not in ended]
            if left and time.monotonic() > deadline:
                raise TimeoutError(f"{len(left)} uploads are still under way after {timeout_s:g} s")
            if left:
                time.sleep(pause)
                pause = min(pause * 1.5, 2.0)
        return [ended[job_id] for job_id in job_ids]

    # --- reading ------------------------------------------------------------------------------

    def events(self, *, observed: bool = False, limit: int = 100) -> Iterator[Document]:
        """Yield events, newest first."""
        yield from self._pages("/api/events", limit, observed=int(observed))

    def followups(self, *, event: str | None = None, limit: int = 100) -> Iterator[Document]:
        """Yield follow-up points, newest first."""
        yield from self._pages("/api/followups", limit, event=event)

    def light_curve(self, event: str) -> Document:
        """Return the event's light curve: the full document, in columns."""
        return self._send("GET", f"/api/lightcurves/{quote(event, safe='')}")

    def report(self, job_id: str) -> Document:
        """Return all that a calibration found: every candidate, every star."""
        return self._send("GET", f"/api/calibrations/{job_id}/report")

    def header(self, job_id: str) -> Document:
        """Return what an upload's header was understood to say, keyword by keyword; also of one that was refused."""
        return self._send("GET", f"/api/calibrations/{job_id}/header")

    def file(self, job_id: str, name: str) -> bytes:
        """Return what was kept of an uploaded image, by the names in its status: ``stars.fits``, ``solved.hdr`` ...

        Large files are fetched from where the status sends for them.
        """
        path = f"/api/calibrations/{job_id}/files/{quote(name, safe='')}"
        answer = self._request("GET", path)
        if answer.is_redirect:  # the address has its own signature
            answer = self._request("GET", answer.headers["location"], self._keyless)
        return self._checked(answer).content

    def me(self) -> Document:
        """Return whose key this is."""
        return self._send("GET", "/api/me")

    def delete(self, followup_id: int) -> Document:
        """Take a point back."""
        return self._send("DELETE", f"/api/followups/{followup_id}")

    # --- header mappings ----------------------------------------------------------------------

    def keywords(self) -> Document:
        """Return the standard header: its keywords (``items``), and the words of formats (``formats``)."""
        return self._send("GET", "/api/keywords")

    def mappings(self, observatory: int | None = None) -> list[Document]:
        """Return which cameras of an observatory have a header mapping; of the key's own, where none is named."""
        items: list[Document] = self._send("GET", self._mappings(observatory))["items"]
        return items

    def mapping(self, camera: str, *, observatory: int | None = None, version: int | None = None) -> Document:
        """Return a header mapping: its newest version, or the one that is asked for."""
        return self._send("GET", self._mappings(observatory, camera), params=_versioned(version))

    def mapping_table(self, camera: str, *, observatory: int | None = None, version: int | None = None) -> str:
        """Return a header mapping as a text table, to be edited and sent again."""
        params = {"format": "text", **_versioned(version)}
        return self._checked(self._request("GET", self._mappings(observatory, camera), params=params)).text

    def put_mapping(
        self, camera: str, mapping: str | Document, *, observatory: int | None = None, version: int | None = None
    ) -> Document:
        """Write the next version of a header mapping; the key must be the lead's.

        Parameters
        ----------
        camera
            As the upload form would name it.
        mapping
            A text table, or a document as `mapping` returns it.
        observatory
            Its number; the key's own when not given.
        version
            The version that is changed; what the mapping itself says when not given.

        Raises
        ------
        Refused
            It cannot be used (``BAD_MAPPING`` names the line), or is not made from the newest version (``CONFLICT``).
        """
        sent: dict[str, Any] = {"json": mapping}
        if isinstance(mapping, str):
            sent = {"content": mapping.encode(), "headers": {"content-type": "text/plain; charset=utf-8"}}
        return self._send("PUT", self._mappings(observatory, camera), params=_versioned(version), **sent)

    def withdraw_mapping(self, camera: str, *, observatory: int | None = None, version: int | None = None) -> Document:
        """Take a header mapping back; its old versions stay."""
        return self._send("DELETE", self._mappings(observatory, camera), params=_versioned(version))

    def _mappings(self, observatory: int | None, camera: str = "") -> str:
        number = self.me()["observatory"]["observatory_id"] if observatory is None else observatory
        return f"/api/observatories/{number}/mappings" + (f"/{quote(camera, safe='')}" if camera else "")

    # --- below --------------------------------------------------------------------------------

    def _pages(self, path: str, limit: int, **params: object) -> Iterator[Document]:
        cursor: str | None = None
        given = {name: value for name, value in params.items() if value is not None}
        while limit > 0:
            page = self._send("GET", path, params={**given, "limit": min(limit, 100), "cursor": cursor or ""})
            yield from page["items"][:limit]
            limit -= len(page["items"])
            cursor = page["cursor"]
            if not cursor:
                return

    def _send(self, method: str, path: str, **options: Any) -> Document:  # noqa: ANN401 -- httpx's own options
        answer = self._checked(self._request(method, path, **options))
        try:
            document: Document = answer.json()
        except ValueError as error:
            raise Unreachable(f"{self.base_url} does not answer as a CPCS server") from error
        return document

    def _request(
        self,
        method: str,
        path: str,
        http: httpx.Client | None = None,
        **options: Any,  # noqa: ANN401
    ) -> httpx.Response:
        try:
            return (http or self._http).request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.base_url} does not answer: {error}") from error

    @staticmethod
    def _checked(answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        try:
            told = answer.json()
        except ValueError:
            told = {}
        if not isinstance(told, dict):
            told = {}
        code = told.get("code", f"HTTP_{answer.status_code}")
        raise Refused(answer.status_code, code, told.get("message", answer.reason_phrase), told.get("hint", ""))


def _versioned(version: int | None) -> dict[str, int]:
    return {} if version is None else {"version": version}

"""The journey of one upload: from the bytes in S3 to a point in the light curve, or to a coded refusal.

What is written, in this order: report, outcome (S3, the record), one transaction (DynamoDB, its index), then figures
and the published documents. Each step can be done again: a crash anywhere is mended by the next delivery.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from aws_lambda_powertools import Logger

from cpcs import clock, serial
from cpcs.errors import (
    CalibrationFailed,
    CpcsError,
    ReferenceUnavailable,
    RequestError,
    UnknownJob,
    UnreadableUpload,
)
from cpcs.publishing import publish_event
from cpcs.records import ColourPrior, Job, JobState, Outcome
from cpcs.storage import Store
from photocal import figures, learning, report
from photocal.headers import document as header_document
from photocal.headers.standard import StandardHeader
from photocal.pixels.measure import Progress
from photocal.planes import CalibratedImage
from photocal.references import TileStore
from photocal.results import Calibration

from .child import Limits
from .clockwork import Clockwork, Result, Then

WAIT_S = 300.0
MEASURING_BYTES = 1350 << 20  # beside the worker's own, within the function's 1,769 MB: an image of 4k x 4k
MEASURING_S = 240.0
TELL_EVERY_S = 2.0
REPORT, HEADER = "report.json", "header.json"
TYPES = {"fits": "application/fits", "ecsv": "text/plain", "hdr": "text/plain", "png": "image/png"}
PANEL, RESIDUALS, LIGHT_CURVE = "figures/panel.png", "figures/residuals.png", "figures/lightcurve.png"


def _of_image(image: CalibratedImage | None) -> dict[str, Any]:
    """Return what the summary says of an image: its files and figures, by name, and the numbers people ask for."""
    if image is None:
        return {}
    figures_of = [name.removeprefix("figures/").removesuffix(".png") for name in image.files if "/" in name]
    quality = image.main.facts["quality"]
    return {
        "files": [name for name in image.files if "/" not in name],
        "figures": figures_of,
        "image": {name: report.number(quality.get(name), 4) for name in report.QUALITY_SHOWN},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Everything one calibration needs, given by the handler."""

    store: Store
    tiles: TileStore
    logger: Logger
    lease_s: float
    sources_configured: bool  # whether catalogues without tiles could be fetched
    limits: Limits = field(default_factory=Limits)
    measuring: Limits = field(default_factory=lambda: Limits(seconds=MEASURING_S, extra_bytes=MEASURING_BYTES))
    now: Callable[[], float] = time.time
    left_s: Callable[[], float] = lambda: float("inf")  # until whoever called ends this

    def process(self, job_id: str, owner: str) -> JobState | None:
        """Bring one job to its end; None when somebody else is at it, or nothing is left to do.

        Raises
        ------
        Exception
            A passing fault (storage, network): the lease is given back, and the message comes again.
        """
        try:
            job = self.store.jobs.claim(job_id, owner, self.lease_s)
        except UnknownJob:  # nobody asked for it: to try again would not help
            self.logger.warning("there is no such job")
            return None
        if job is None:
            return self._finish_publishing(job_id)
        try:
            return self._calibrate(job)
        except Exception:
            self.store.jobs.release(job)
            raise

    def _finish_publishing(self, job_id: str) -> JobState | None:
        """Do what a crash after the transaction left undone."""
        job = self.store.jobs.get(job_id)
        if job.state is not JobState.DONE or job.figures_ready or job.outcome is None:
            return None
        shown = replace(job, revision=job.outcome.revision)
        self._publish(shown, self._calibrated_again(shown, job.outcome) if job.request.figures else None)
        return JobState.DONE

    def _calibrated_again(self, job: Job, outcome: Outcome) -> Calibration | None:
        """Return the calibration of a point that is stored, from what it was made from then; None without it."""
        try:
            remembered = outcome.summary.get("colour_priors", {})
            priors = {band: serial.from_json(ColourPrior, prior) for band, prior in remembered.items()}
            then = Then(
                catalogues=outcome.summary.get("references"),
                colour_priors=priors,
                filter_hint=outcome.summary.get("filter_hint"),
            )
            return Clockwork(self, job, then).run().calibration
        except CpcsError as error:  # the point stands; only its figures are missing
            self.logger.warning("the figures cannot be drawn again", extra={"code": error.code, "why": error.message})
            return None

    def _calibrate(self, job: Job) -> JobState:
        recorded = self.store.files.read_outcome(job.job_id, job.revision)
        if recorded is not None:  # a crash came between the record and its index
            stored = self.store.jobs.finish(job, recorded)
            return self._finish_publishing(job.job_id) or stored.state
        clockwork = Clockwork(self, job, progress=self._teller(job))
        try:
            result = clockwork.run()
            outcome = self._record(job, result)
        except ReferenceUnavailable as error:
            self.store.jobs.wait_for_reference(job, error.as_dict(), self.now() + WAIT_S)
            self.logger.warning("waiting for reference stars", extra={"why": error.message})
            return JobState.WAITING_REFERENCE
        except (UnreadableUpload, CalibrationFailed, RequestError) as error:
            return self._refuse(job, error, clockwork.header)
        stored = self.store.jobs.finish(job, outcome)
        if stored.state is JobState.DONE and stored.revision == job.revision:
            self._publish(job, result.calibration)
        return stored.state

    def _teller(self, job: Job) -> Progress:
        """Return what notes how far a long calibration is; a note that cannot be written is no reason to end it."""
        last = self.now()

        def tell(step: str, share: float) -> None:
            nonlocal last
            if not step or self.now() - last < TELL_EVERY_S:
                return
            last = self.now()
            try:
                self.store.jobs.tell(job, f"{step} {round(100.0 * share)}")
            except Exception:
                self.logger.exception("the progress could not be noted")

        return tell

    def _refuse(self, job: Job, error: CpcsError, header: StandardHeader | None) -> JobState:
        """Write why not; what the header says stays, so that its mapping can be mended."""
        if header is not None:
            self._write_header(job, header)
        outcome = Outcome(
            job_id=job.job_id,
            revision=job.revision,
            state=JobState.REJECTED,
            finished=clock.iso(self.now()),
            error=error.as_dict(),
            summary={} if header is None else {"header": header_document.brief(header)},
        )
        self.logger.info("refused", extra={"code": error.code, "why": error.message})
        return self.store.jobs.finish(job, self.store.files.write_outcome(outcome)).state

    def _record(self, job: Job, result: Result) -> Outcome:
        """Write report and outcome to S3; where an outcome is there already, that one holds.

        Raises
        ------
        CalibrationFailed
            The result holds what is no number.
        """
        point = result.point(job, clock.iso(self.now()))
        if not job.request.dry_run:
            point = replace(point, followup_id=self.store.points.next_id())
        document = report.document(
            result.calibration,
            input_sha256=result.sha256,
            job_id=job.job_id,
            revision=job.revision,
            header=result.header,
            image=result.image,
        )
        self.store.files.write_result(job.job_id, job.revision, REPORT, report.encoded(document), "application/json")
        if result.header is not None:
            self._write_header(job, result.header)
        files = {} if result.image is None else result.image.files
        for name, content in files.items():
            kind = TYPES[name.rpartition(".")[2]]
            self.store.files.write_result(job.job_id, job.revision, name, content, kind)
        runner_up = result.calibration.runner_up
        learned = learning.lesson(
            result.calibration,
            field=point.event,
            job_id=job.job_id,
            learned=point.calibrated_at,
            observatory_id=point.observatory_id,
            camera=result.camera,
        )
        outcome = Outcome(
            job_id=job.job_id,
            revision=job.revision,
            state=JobState.DONE,
            finished=point.calibrated_at,
            point=point,
            seconds=result.seconds,
            summary={
                "confidence": report.number(result.calibration.confidence, 4),
                "runner_up": str(runner_up.passband) if runner_up else None,
                "format": result.calibration.stars.meta.format,
                "n_stars": result.calibration.stars.n,
                "references": [reference.catalogue for reference in result.gathered.stars],
                "unavailable": result.gathered.unavailable,
                "colour_priors": {band: serial.to_json(prior) for band, prior in result.colour_priors.items()},
                "filter_hint": result.calibration.filter_hint,
                **_of_image(result.image),
                **({} if result.header is None else {"header": header_document.brief(result.header)}),
            },
            learned=learned,
        )
        return self.store.files.write_outcome(outcome)

    def _write_header(self, job: Job, header: StandardHeader) -> None:
        text = report.encoded(header_document.document(header))
        self.store.files.write_result(job.job_id, job.revision, HEADER, text, "application/json")

    def _publish(self, job: Job, calibrated: Calibration | None) -> None:
        """Write the figures and the documents that show the new point; the point itself is stored already."""
        drawn = calibrated if job.request.figures else None
        if drawn is not None:
            self._draw(job, PANEL, lambda: figures.panel(drawn))
            self._draw(job, RESIDUALS, lambda: figures.residuals(drawn))
        if not job.request.dry_run:
            event = publish_event(self.store, job.request.event)
            if drawn is not None:
                points = self.store.points.by_event(event.key)
                self._draw(job, LIGHT_CURVE, lambda: figures.light_curve(points, event.name))
        self.store.jobs.figures_ready(job.job_id)

    def _draw(self, job: Job, name: str, draw: Callable[[], bytes]) -> None:
        """Draw a figure and write it; one that cannot be drawn keeps nothing else from being published."""
        try:
            png = draw()
        except Exception:
            self.logger.exception("a figure could not be drawn", extra={"figure": name})
            return
        self.store.files.write_result(job.job_id, job.revision, name, png, "image/png")

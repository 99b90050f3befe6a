"""The journey of one upload: from the bytes in S3 to a point in the light curve, or to a coded refusal.

What is written, in this order: report, outcome (S3, the record), one transaction (DynamoDB, its index), then figures
and the published documents. Each step can be done again: a crash anywhere is mended by the next delivery.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aws_lambda_powertools import Logger

from cpcs import clock
from cpcs.errors import CalibrationFailed, CpcsError, ReferenceUnavailable, UnreadableUpload
from cpcs.passbands import parse_choice
from cpcs.publishing import publish_event
from cpcs.records import Event, FollowupPoint, Job, JobState, Outcome
from cpcs.storage import Store
from photocal import calibration, figures, readers, report
from photocal.references import TileStore
from photocal.results import Calibration, Target
from photocal.stars import StarList

from .child import Limits, read_in_child
from .references import Gathered, gather, wanted

Answer = TypeVar("Answer")

WAIT_S = 300.0
REPORT, PANEL, LIGHT_CURVE = "report.json", "figures/panel.png", "figures/lightcurve.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Everything one calibration needs, given by the handler."""

    store: Store
    tiles: TileStore
    logger: Logger
    lease_s: float
    sources_configured: bool  # whether catalogues without tiles could be fetched
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], float] = time.time

    def process(self, job_id: str, owner: str) -> JobState | None:
        """Bring one job to its end; None when somebody else is at it, or nothing is left to do.

        Raises
        ------
        Exception
            A passing fault (storage, network): the lease is given back, and the message comes again.
        """
        job = self.store.jobs.claim(job_id, owner, self.lease_s)
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
        calibrated = _Clockwork(self, job).run() if job.request.figures and job.outcome.existing_id is None else None
        self._publish(job, job.outcome, calibrated.calibration if calibrated else None)
        return JobState.DONE

    def _calibrate(self, job: Job) -> JobState:
        recorded = self.store.files.read_outcome(job.job_id, job.revision)
        if recorded is not None:  # a crash came between the record and its index
            stored = self.store.jobs.finish(job, recorded)
            return self._finish_publishing(job.job_id) or stored.state
        try:
            result = _Clockwork(self, job).run()
        except ReferenceUnavailable as error:
            self.store.jobs.wait_for_reference(job, error.as_dict(), self.now() + WAIT_S)
            self.logger.warning("waiting for reference stars", extra={"why": error.message})
            return JobState.WAITING_REFERENCE
        except (UnreadableUpload, CalibrationFailed) as error:
            return self._refuse(job, error)
        outcome = self._record(job, result)
        stored = self.store.jobs.finish(job, outcome)
        if stored.state is JobState.DONE:
            self._publish(job, stored, result.calibration)
        return stored.state

    def _refuse(self, job: Job, error: CpcsError) -> JobState:
        outcome = Outcome(
            job_id=job.job_id,
            revision=job.revision,
            state=JobState.REJECTED,
            finished=clock.iso(self.now()),
            error=error.as_dict(),
        )
        self.logger.info("refused", extra={"code": error.code, "why": error.message})
        return self.store.jobs.finish(job, self.store.files.write_outcome(outcome)).state

    def _record(self, job: Job, result: _Result) -> Outcome:
        """Write report and outcome to S3; where an outcome is there already, that one holds."""
        followup_id = 0 if job.request.dry_run else self.store.points.next_id()
        point = result.point(job, followup_id, clock.iso(self.now()))
        document = report.document(
            result.calibration, input_sha256=result.sha256, job_id=job.job_id, revision=job.revision
        )
        body = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
        self.store.files.write_result(job.job_id, job.revision, REPORT, body, "application/json")
        runner_up = result.calibration.runner_up
        outcome = Outcome(
            job_id=job.job_id,
            revision=job.revision,
            state=JobState.DONE,
            finished=point.calibrated_at,
            point=point,
            seconds=result.seconds,
            summary={
                "confidence": round(result.calibration.confidence, 4),
                "runner_up": str(runner_up.passband) if runner_up else None,
                "format": result.calibration.stars.meta.format,
                "n_stars": result.calibration.stars.n,
                "references": [reference.catalogue for reference in result.gathered.stars],
                "unavailable": result.gathered.unavailable,
            },
        )
        return self.store.files.write_outcome(outcome)

    def _publish(self, job: Job, outcome: Outcome, calibrated: Calibration | None) -> None:
        """Write the figures and the documents that show the new point; the point itself is stored already."""
        if outcome.point is None:
            return
        put = self.store.files.write_result
        if calibrated is not None and job.request.figures:
            put(job.job_id, job.revision, PANEL, figures.panel(calibrated), "image/png")
        if not job.request.dry_run:
            event = publish_event(self.store, job.request.event)
            if calibrated is not None and job.request.figures:
                curve = figures.light_curve(self.store.points.by_event(event.key), event.name)
                put(job.job_id, job.revision, LIGHT_CURVE, curve, "image/png")
        self.store.jobs.figures_ready(job.job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What the science says, before it has a number in the database."""

    calibration: Calibration
    gathered: Gathered
    event: Event
    observatory: str
    sha256: str
    seconds: dict[str, float]

    def point(self, job: Job, followup_id: int, finished: str) -> FollowupPoint:
        """Return the follow-up point this calibration makes."""
        target, winner = self.calibration.target, self.calibration.winner
        request = job.request
        return FollowupPoint(
            followup_id=followup_id,
            event=self.event.key,
            event_id=self.event.event_id,
            event_name=self.event.name,
            observatory_id=request.observatory_id,
            observatory=self.observatory,
            mjd=request.mjd,
            exposure_s=request.exposure_s,
            mag=target.mag,
            mag_err=target.mag_err,
            is_limit=target.is_limit,
            calib_err=winner.fit.scatter,
            zero_point=winner.fit.zero_point,
            zero_point_err=winner.fit.zero_point_err,
            scatter=winner.fit.scatter,
            outlier_fraction=winner.fit.outlier_fraction,
            n_matched=winner.fit.n_matched,
            catalogue=winner.passband.catalogue,
            filter=winner.passband.filter,
            mode=self.calibration.mode,
            matching_radius_arcsec=request.matching_radius_arcsec,
            ra_deg=target.ra_deg,
            dec_deg=target.dec_deg,
            calibrated_at=finished,
            job_id=job.job_id,
            revision=job.revision,
            key_id=request.key_id,
            input_sha256=self.sha256,
            pipeline=self.calibration.pipeline,
            comment=request.comment,
        )


class _Clockwork:
    """The steps from bytes to a calibration, each timed."""

    def __init__(self, worker: Worker, job: Job) -> None:
        self._worker, self._job = worker, job
        self._seconds: dict[str, float] = {}

    def run(self) -> _Result:
        """Read, fetch reference stars, calibrate."""
        store, request = self._worker.store, self._job.request
        data = self._timed("download", lambda: store.files.read_upload(request.job_id))
        stars = self._timed("read", lambda: read_in_child(readers.read_catalogue, data, self._worker.limits))
        event = store.events.get(request.event)
        target = Target(ra_deg=event.ra_deg, dec_deg=event.dec_deg, name=event.name)
        calibration.check_in_field(stars, target)
        gathered = self._timed("references", lambda: self._references(stars))
        calibrated = self._timed("calibrate", lambda: self._fit(stars, target, gathered))
        return _Result(
            calibration=calibrated,
            gathered=gathered,
            event=event,
            observatory=store.observatories.get(request.observatory_id).name,
            sha256=hashlib.sha256(data).hexdigest(),
            seconds={**self._seconds, **{f"calibrate: {step}": s for step, s in calibrated.seconds.items()}},
        )

    def _references(self, stars: StarList) -> Gathered:
        names = wanted(parse_choice(self._job.request.forced))
        return gather(self._worker.tiles, names, *stars.centre, stars.radius_deg)

    def _fit(self, stars: StarList, target: Target, gathered: Gathered) -> Calibration:
        request = self._job.request
        try:
            return calibration.calibrate(
                stars,
                gathered.stars,
                target=target,
                matching_radius_arcsec=request.matching_radius_arcsec,
                forced=parse_choice(request.forced),
                filter_hint=request.filter_hint or stars.meta.header.get("FILTER", ""),
                mjd=request.mjd,
            )
        except CalibrationFailed as error:
            if self._worker.sources_configured and gathered.unavailable:
                # The catalogue that would have done it may be among those that are out of reach now.
                raise ReferenceUnavailable(
                    catalogues=", ".join(gathered.unavailable),
                    ra_deg=stars.centre[0],
                    dec_deg=stars.centre[1],
                    reason=f"the others did not suffice ({error.code})",
                ) from error
            raise

    def _timed(self, step: str, work: Callable[[], Answer]) -> Answer:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self._seconds[step] = round(time.perf_counter() - start, 4)

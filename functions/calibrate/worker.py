"""The journey of one upload: from the bytes in S3 to a point in the light curve, or to a coded refusal.

What is written, in this order: report, outcome (S3, the record), one transaction (DynamoDB, its index), then figures
and the published documents. Each step can be done again: a crash anywhere is mended by the next delivery.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from aws_lambda_powertools import Logger

from cpcs import clock, memory, serial
from cpcs.errors import (
    CalibrationFailed,
    CpcsError,
    ReferenceUnavailable,
    RequestError,
    UnknownJob,
    UnreadableUpload,
)
from cpcs.passbands import ANY, Choice, catalogues, parse_choice
from cpcs.publishing import publish_event
from cpcs.records import ColourPrior, Event, FollowupPoint, Job, JobState, Outcome
from cpcs.storage import Store
from photocal import calibration, figures, learning, readers, report
from photocal.references import Gathered, TileStore, gather
from photocal.results import Calibration, Target
from photocal.stars import StarList

from .child import Limits, read_in_child

Answer = TypeVar("Answer")

WAIT_S = 300.0
REPORT = "report.json"
PANEL, RESIDUALS, LIGHT_CURVE = "figures/panel.png", "figures/residuals.png", "figures/lightcurve.png"


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
            return _Clockwork(self, job, outcome.summary.get("references"), priors).run().calibration
        except CpcsError as error:  # the point stands; only its figures are missing
            self.logger.warning("the figures cannot be drawn again", extra={"code": error.code, "why": error.message})
            return None

    def _calibrate(self, job: Job) -> JobState:
        recorded = self.store.files.read_outcome(job.job_id, job.revision)
        if recorded is not None:  # a crash came between the record and its index
            stored = self.store.jobs.finish(job, recorded)
            return self._finish_publishing(job.job_id) or stored.state
        try:
            result = _Clockwork(self, job).run()
            outcome = self._record(job, result)
        except ReferenceUnavailable as error:
            self.store.jobs.wait_for_reference(job, error.as_dict(), self.now() + WAIT_S)
            self.logger.warning("waiting for reference stars", extra={"why": error.message})
            return JobState.WAITING_REFERENCE
        except (UnreadableUpload, CalibrationFailed, RequestError) as error:
            return self._refuse(job, error)
        stored = self.store.jobs.finish(job, outcome)
        if stored.state is JobState.DONE and stored.revision == job.revision:
            self._publish(job, result.calibration)
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
            result.calibration, input_sha256=result.sha256, job_id=job.job_id, revision=job.revision
        )
        self.store.files.write_result(job.job_id, job.revision, REPORT, report.encoded(document), "application/json")
        runner_up = result.calibration.runner_up
        learned = learning.lesson(
            result.calibration,
            field=point.event,
            job_id=job.job_id,
            learned=point.calibrated_at,
            observatory_id=point.observatory_id,
            camera=job.request.camera,
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
            },
            learned=learned,
        )
        return self.store.files.write_outcome(outcome)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What the science says, before it has a number in the database."""

    calibration: Calibration
    gathered: Gathered
    colour_priors: Mapping[str, ColourPrior]
    event: Event
    observatory: str
    sha256: str
    seconds: dict[str, float]

    def point(self, job: Job, finished: str) -> FollowupPoint:
        """Return the follow-up point this calibration makes, with the number 0.

        Raises
        ------
        CalibrationFailed
            It holds what is no number: nothing that could be stored or shown.
        """
        point = self._point(job, finished)
        odd = [item.name for item in fields(point) if _is_odd(getattr(point, item.name))]
        if odd:
            raise CalibrationFailed(reason=f"the result is not a number: {', '.join(odd)}")
        return point

    def _point(self, job: Job, finished: str) -> FollowupPoint:
        target, winner = self.calibration.target, self.calibration.winner
        request, term = job.request, winner.colour_term
        return FollowupPoint(
            followup_id=0,
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
            corrected_mag=target.corrected_mag,
            corrected_mag_err=target.corrected_mag_err,
            colour_term=term.value if term else None,
            colour_term_err=term.err if term else None,
            colour=term.colour if term else None,
            reference_colour=term.reference_colour if term else None,
        )


def _is_odd(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


class _Clockwork:
    """The steps from bytes to a calibration, each timed.

    Parameters
    ----------
    worker
        Whose storage and reference stars are used.
    job
        The job.
    catalogues
        Only these; all that could take part when not given.
    colour_priors
        What is believed of the colour terms; what the telescope memory holds when not given.
    """

    def __init__(
        self,
        worker: Worker,
        job: Job,
        catalogues: Sequence[str] | None = None,
        colour_priors: Mapping[str, ColourPrior] | None = None,
    ) -> None:
        self._worker, self._job = worker, job
        self._catalogues, self._colour_priors = catalogues, colour_priors
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
        remembered = self._colour_priors
        priors = self._timed("memory", lambda: self._remembered(stars)) if remembered is None else remembered
        calibrated = self._timed("calibrate", lambda: self._fit(stars, target, gathered, priors))
        return _Result(
            calibration=calibrated,
            gathered=gathered,
            colour_priors=priors,
            event=event,
            observatory=store.observatories.get(request.observatory_id).name,
            sha256=hashlib.sha256(data).hexdigest(),
            seconds={**self._seconds, **{f"calibrate: {step}": s for step, s in calibrated.seconds.items()}},
        )

    def _references(self, stars: StarList) -> Gathered:
        names = self._catalogues or wanted(parse_choice(self._job.request.forced))
        return gather(self._worker.tiles, names, *stars.centre, stars.radius_deg)

    def _remembered(self, stars: StarList) -> dict[str, ColourPrior]:
        """Return what earlier frames of the same camera and filter say; without the memory, all goes on as well."""
        request = self._job.request
        camera, band = request.camera or stars.meta.camera, request.filter_hint or stars.meta.filter_hint
        try:
            frames = self._worker.store.colour_terms.of_setup(request.observatory_id, camera, band)
            return memory.priors(frames, mjd=request.mjd, job_id=request.job_id)
        except Exception:
            self._worker.logger.exception("the telescope memory is not to be had")
            return {}

    def _fit(
        self, stars: StarList, target: Target, gathered: Gathered, priors: Mapping[str, ColourPrior]
    ) -> Calibration:
        request = self._job.request
        try:
            return calibration.calibrate(
                stars,
                gathered.stars,
                target=target,
                matching_radius_arcsec=request.matching_radius_arcsec,
                forced=parse_choice(request.forced),
                filter_hint=request.filter_hint,
                mjd=request.mjd,
                colour_priors=priors,
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


def wanted(forced: Choice | None) -> tuple[str, ...]:
    """Return the catalogues that could take part: all, or the one that was forced."""
    if forced is None or forced.catalogue == ANY:
        return catalogues()
    return (forced.catalogue,)

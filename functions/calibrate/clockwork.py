"""From the bytes of an upload to its calibration: read, reference stars, memory, fit. Nothing is written here."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol, TypeVar

from aws_lambda_powertools import Logger

from cpcs import memory
from cpcs.errors import CalibrationFailed, CpcsError, NotSolved, ReaderCrashed, ReferenceUnavailable
from cpcs.mappings import HeaderMapping
from cpcs.passbands import ANY, Choice, catalogues, parse_choice
from cpcs.records import ColourPrior, Event, FollowupPoint, Job, Observatory
from cpcs.storage import Store
from photocal import calibration
from photocal.headers.standard import Given, StandardHeader
from photocal.intake import Intake
from photocal.kept import KeptPlane
from photocal.pixels.measure import Progress
from photocal.pixels.records import ForcedFlux
from photocal.planes import CalibratedImage, calibrate_planes
from photocal.pointing import around_target
from photocal.references import Gathered, TileStore, gather, gather_places
from photocal.results import Calibration, Target
from photocal.stars import StarList
from photocal.watch import Watch

from .child import Limits
from .measuring import Sitting, measure_upload
from .reading import read_upload

RESERVE_S = 40.0  # of the function's time: for reference stars, the fit, and what is written and drawn
Answer = TypeVar("Answer")


class Tools(Protocol):
    """What a calibration works with; the worker has it."""

    @property
    def store(self) -> Store:
        """The storage."""

    @property
    def tiles(self) -> TileStore:
        """The reference stars."""

    @property
    def logger(self) -> Logger:
        """Where to tell what went wrong, and kept nothing from going on."""

    @property
    def limits(self) -> Limits:
        """What reading may use."""

    @property
    def measuring(self) -> Limits:
        """What measuring an image may use."""

    @property
    def left_s(self) -> Callable[[], float]:
        """How many seconds are left until the function ends."""

    @property
    def sources_configured(self) -> bool:
        """Whether catalogues without tiles could be fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the science says, before it has a number in the database.

    ``image`` is None for a catalogue.
    """

    calibration: Calibration
    image: CalibratedImage | None
    gathered: Gathered
    colour_priors: Mapping[str, ColourPrior]
    event: Event
    observatory: str
    camera: str
    header: StandardHeader | None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """What a calibration that is done again was made from: meanwhile more may be known. None is not known.

    Attributes
    ----------
    catalogues
        Only these; all that could take part when not known.
    colour_priors
        What was believed of the colour terms; what the telescope memory holds when not known.
    filter_hint
        The filter's name; what form or header say when not known.
    """

    catalogues: Sequence[str] | None = None
    colour_priors: Mapping[str, ColourPrior] | None = None
    filter_hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What a star list is calibrated with."""

    target: Target
    forced: Choice | None
    camera: str


class Clockwork:
    """The steps from bytes to a calibration, each timed.

    Parameters
    ----------
    worker
        Whose storage and reference stars are used.
    job
        The job.
    then
        What it was made from, where it is done again.
    progress
        Called now and then with the step and the share of the work that is behind.

    Attributes
    ----------
    header
        What the upload's header was understood to say, once it is read; None where it has none.
    """

    def __init__(self, worker: Tools, job: Job, then: Then | None = None, progress: Progress | None = None) -> None:
        self._worker, self._job, self._then, self._progress = worker, job, then or Then(), progress
        self._watch = Watch()
        self._believed: dict[str, Mapping[str, ColourPrior]] = {}
        self.header: StandardHeader | None = None

    def run(self) -> Result:
        """Read, fetch reference stars, calibrate."""
        store, request = self._worker.store, self._job.request
        data = self._timed("download", lambda: store.files.read_upload(request.job_id))
        event, site = store.events.get(request.event), store.observatories.get(request.observatory_id)
        # Without them the filter could come out otherwise, for good: a passing fault lets the message come again.
        mappings = self._timed("mappings", lambda: store.mappings.of_observatory(request.observatory_id))
        intake = self._timed("read", lambda: self._read(data, mappings, event, site))
        self.header = intake.header
        intake.check()
        task = _Task(
            target=Target(ra_deg=event.ra_deg, dec_deg=event.dec_deg, name=event.name),
            forced=parse_choice(request.forced),
            camera=request.camera or intake.camera,
        )
        if intake.stars is not None:
            calibrated, gathered, image = *self._of_catalogue(intake.stars, intake.filter_name, task), None
        else:
            image, gathered = self._of_image(data, intake.header, task)
            calibrated = image.calibration
        return Result(
            calibration=calibrated,
            image=image,
            gathered=gathered,
            colour_priors=self._priors(task.camera, calibrated.filter_hint),
            event=event,
            observatory=site.name,
            camera=task.camera,
            header=intake.header,
            sha256=hashlib.sha256(data).hexdigest(),
            seconds={**self._watch.seconds, **{f"calibrate: {step}": s for step, s in calibrated.seconds.items()}},
        )

    def _of_catalogue(self, stars: StarList, filter_name: str, task: _Task) -> tuple[Calibration, Gathered]:
        calibration.check_in_field(stars, task.target)
        gathered = self._timed("references", lambda: self._references(stars))
        hint = self._hint or filter_name if self._then.filter_hint is None else self._hint
        return self._timed("calibrate", lambda: self._fit(stars, hint, task, gathered)), gathered

    def _of_image(self, data: bytes, header: StandardHeader | None, task: _Task) -> tuple[CalibratedImage, Gathered]:
        if header is None:
            raise ReaderCrashed(how="an image without a header")
        planes = self._planes(data, header, task.target)
        gathered = self._timed("references", lambda: self._references(planes[0].stars))

        def fit(plane: KeptPlane, filter_hint: str, forced: Choice | None) -> Calibration:
            return self._fit(plane.stars, filter_hint, replace(task, forced=forced), gathered, plane.forced)

        return self._timed("calibrate", lambda: calibrate_planes(planes, task.forced, self._hint, fit)), gathered

    def _read(self, data: bytes, mappings: Sequence[HeaderMapping], event: Event, site: Observatory) -> Intake:
        request = self._job.request
        given = Given(
            mjd=request.mjd,
            exposure_s=request.exposure_s,
            filter=request.filter_hint,
            camera=request.camera,
            observatory=site.name,
            longitude_deg=site.longitude_deg,
            latitude_deg=site.latitude_deg,
            altitude_m=site.altitude_m,
            target_ra_deg=event.ra_deg,
            target_dec_deg=event.dec_deg,
        )
        return read_upload(data, self._worker.limits, mappings=mappings, camera=request.camera, given=given)

    def _planes(self, data: bytes, header: StandardHeader, target: Target) -> tuple[KeptPlane, ...]:
        """Measure an image: reference stars for its place on the sky first, then its pixels."""
        pointing, request = around_target(header, target), self._job.request
        cone = target.ra_deg, target.dec_deg, pointing.references_deg
        places = self._timed("places", lambda: gather_places(self._worker.tiles, *cone))
        sitting = Sitting(
            header=header,
            references=places.stars,
            pointing=pointing,
            target=target,
            mjd=request.mjd,
            figures=request.figures,
        )
        allowed = self._worker.measuring
        limits = replace(allowed, seconds=min(allowed.seconds, max(1.0, self._worker.left_s() - RESERVE_S)))
        try:
            return self._timed("measure", lambda: measure_upload(data, limits, sitting, self._progress))
        except NotSolved as error:
            raise self._unless_out_of_reach(error, places, target.ra_deg, target.dec_deg) from error

    def _unless_out_of_reach(self, error: CpcsError, gathered: Gathered, ra_deg: float, dec_deg: float) -> CpcsError:
        """Return a refusal, or that the catalogue which would have done it may be out of reach now."""
        if not (self._worker.sources_configured and gathered.passing):
            return error
        return ReferenceUnavailable(
            catalogues=", ".join(gathered.passing),
            ra_deg=ra_deg,
            dec_deg=dec_deg,
            reason=f"the others did not suffice ({error.code})",
        )

    def _references(self, stars: StarList) -> Gathered:
        names = self._then.catalogues or wanted(parse_choice(self._job.request.forced))
        return gather(self._worker.tiles, names, *stars.centre, stars.radius_deg)

    @property
    def _hint(self) -> str:
        """The filter's name as the form has it; as it was understood then, where it is done again."""
        return self._job.request.filter_hint if self._then.filter_hint is None else self._then.filter_hint

    def _priors(self, camera: str, filter_hint: str) -> Mapping[str, ColourPrior]:
        """Return what is believed of the colour terms of a camera and filter: asked for once."""
        if filter_hint not in self._believed:
            then = self._then.colour_priors
            self._believed[filter_hint] = (
                self._timed("memory", lambda: self._remembered(camera, filter_hint)) if then is None else then
            )
        return self._believed[filter_hint]

    def _remembered(self, camera: str, filter_hint: str) -> dict[str, ColourPrior]:
        """Return what earlier frames of the same camera and filter say; without the memory, all goes on as well."""
        request = self._job.request
        try:
            frames = self._worker.store.colour_terms.of_setup(request.observatory_id, camera, filter_hint)
            return memory.priors(frames, mjd=request.mjd, job_id=request.job_id)
        except Exception:
            self._worker.logger.exception("the telescope memory is not to be had")
            return {}

    def _fit(
        self,
        stars: StarList,
        filter_hint: str,
        task: _Task,
        gathered: Gathered,
        forced_flux: ForcedFlux | None = None,
    ) -> Calibration:
        request = self._job.request
        priors = self._priors(task.camera, filter_hint)
        try:
            return calibration.calibrate(
                stars,
                gathered.stars,
                target=task.target,
                matching_radius_arcsec=request.matching_radius_arcsec,
                forced=task.forced,
                filter_hint=filter_hint,
                mjd=request.mjd,
                colour_priors=priors,
                forced_flux=forced_flux,
            )
        except CalibrationFailed as error:
            raise self._unless_out_of_reach(error, gathered, *stars.centre) from error

    def _timed(self, step: str, work: Callable[[], Answer]) -> Answer:
        with self._watch.step(step):
            return work()


def wanted(forced: Choice | None) -> tuple[str, ...]:
    """Return the catalogues that could take part: all, or the one that was forced."""
    if forced is None or forced.catalogue == ANY:
        return catalogues()
    return (forced.catalogue,)

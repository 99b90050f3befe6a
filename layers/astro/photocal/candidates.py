"""The candidates of one star list: matched with every catalogue, fitted in every passband that may win."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial import cKDTree

from cpcs.errors import NoReferenceStars, TooFewMatches
from cpcs.memory import ANY_CAMERA
from cpcs.passbands import ANY, Choice, Passband, colour_for, is_photographic
from cpcs.records import ColourPrior
from photocal import terms
from photocal.arrays import Bools, Floats
from photocal.matching import Match, match
from photocal.references.declared import derived_recipe
from photocal.references.stars import ReferenceStars
from photocal.results import Candidate, SkyOffset, Target, UsedStars
from photocal.selection import LEAST_STARS, quality
from photocal.sphere import chord, tangent_plane, unit_vectors
from photocal.stars import StarList
from photocal.target import is_measured, separations
from photocal.zeropoint import fit_zero_point

LARGEST_REFERENCE_ERROR = 0.3  # CPCS 1's
LEAST_ERROR = 0.003  # mag: no star is known better, whatever its error says
OTHERS_LIGHT = 0.01  # of its own: what reference stars that the image does not resolve may add to one
ENOUGH_ALONE = 30  # stars without such company: where there are fewer, the others count as well
BAD_FLAGS = ~0b11  # SExtractor's: neighbours and blends may stay, saturated, cut and corrupt stars may not

Pair = tuple[ReferenceStars, Match]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be calibrated, and how.

    Attributes
    ----------
    stars, target
        The observer's stars, and the position whose magnitude is asked for.
    matching_radius_arcsec
        Upper bound for matches.
    forced
        The passbands allowed; None lets all compete.
    mjd
        Date of the observation, for proper motions; None leaves them aside.
    colour_priors
        Passband -> what earlier frames of the camera and filter say of its colour term.
    """

    stars: StarList
    target: Target
    matching_radius_arcsec: float
    forced: Choice | None = None
    mjd: float | None = None
    colour_priors: Mapping[str, ColourPrior] = field(default_factory=dict)

    def allows(self, catalogue: str, band: str) -> bool:
        """Whether a passband may win."""
        return self.forced is None or self.forced.allows(Passband(catalogue, band))

    def spoken(self) -> str:
        """Return what was forced, as errors name it."""
        if self.forced is None:
            return "any catalogue"
        if self.forced.filter == ANY:
            return self.forced.catalogue
        return f"any catalogue in {self.forced.filter}" if self.forced.catalogue == ANY else str(self.forced)

    def no_reference_stars(self) -> NoReferenceStars:
        """Return the error that there is nothing to calibrate with."""
        ra, dec = self.stars.centre
        return NoReferenceStars(passband=self.spoken(), radius_deg=self.stars.radius_deg, ra_deg=ra, dec_deg=dec)


def match_all(task: Task, references: Sequence[ReferenceStars]) -> list[Pair]:
    """Match with every catalogue that an allowed passband belongs to and that has stars.

    Raises
    ------
    NoReferenceStars
        There is none.
    """
    allowed = [item for item in references if item.n and any(task.allows(item.catalogue, band) for band in item.bands)]
    if not allowed:
        raise task.no_reference_stars()
    radius = task.matching_radius_arcsec
    return [(item, match(task.stars, item, matching_radius_arcsec=radius, mjd=task.mjd)) for item in allowed]


def fit_all(task: Task, pairs: Sequence[Pair], offset: SkyOffset) -> list[Candidate]:
    """Fit each allowed passband of each catalogue that has enough stars.

    Raises
    ------
    NoReferenceStars, TooFewMatches
        None has.
    """
    clean, everywhere = _clean_sources(task, offset), _places(task)
    usable = [(item, found, list(_usable(task, item, found, clean))) for item, found in pairs]
    candidates = [
        _fit_one(task, everywhere, (reference, found), passband, mine)
        for reference, found, bands in usable
        for passband, mine in bands
        if mine.sum() >= LEAST_STARS
    ]
    if candidates:
        return candidates
    if not any(np.isfinite(item.bands[band.filter][0]).any() for item, _, bands in usable for band, _ in bands):
        raise task.no_reference_stars()
    raise TooFewMatches(
        n_matched=max(int(mine.sum()) for _, _, bands in usable for _, mine in bands),
        radius_arcsec=task.matching_radius_arcsec,
        n_needed=LEAST_STARS,
        of=f" of {task.spoken()}" if task.forced else "",
    )


def _clean_sources(task: Task, offset: SkyOffset) -> tuple[Bools, Bools]:
    """Return which sources are measured, and which of them are neither saturated, cut nor corrupt.

    The target is never among them: what is asked for must not be part of the answer.
    """
    stars = task.stars
    measured = is_measured(stars)
    own = separations(stars, task.target, offset)
    if own.min(initial=np.inf) <= task.matching_radius_arcsec:
        measured[int(np.argmin(own))] = False
    return measured, measured & ((stars.flags & BAD_FLAGS) == 0)


def _usable(
    task: Task, reference: ReferenceStars, found: Match, sources: tuple[Bools, Bools]
) -> Iterator[tuple[Passband, Bools]]:
    """Yield each allowed passband of a catalogue, with which of the matched stars can be used in it."""
    measured, clean = (mask[found.source_index] for mask in sources)
    # Where flags leave nothing, they mean something else than SExtractor's.
    usable = clean if clean.sum() >= LEAST_STARS else measured
    alone = _alone(task, reference, found)
    for band, (mag, err) in reference.bands.items():
        if not task.allows(reference.catalogue, band):
            continue
        ref_mag, ref_err = mag[found.reference_index], err[found.reference_index]
        with np.errstate(invalid="ignore"):
            mine = usable & np.isfinite(ref_mag) & (ref_err >= 0.0) & (ref_err <= LARGEST_REFERENCE_ERROR)
        single = mine & alone(mag)
        yield Passband(reference.catalogue, band), single if single.sum() >= ENOUGH_ALONE else mine


def _alone(task: Task, reference: ReferenceStars, found: Match) -> Callable[[Floats], Bools]:
    """Return what tells, from magnitudes of the catalogue, which matched stars the image shows without another's light.

    Reference stars that were not found, nearer than the FWHM (or the matching radius) to one that was, are in its
    light. Where the FWHM is as good as the catalogue's own, there are none.
    """
    lost = np.setdiff1d(np.arange(reference.n), found.reference_index)
    radius = max(found.radius_arcsec, task.stars.meta.fwhm_arcsec or 0.0)
    vectors = unit_vectors(reference.ra_deg, reference.dec_deg)
    near = cKDTree(vectors[found.reference_index]).query_ball_tree(cKDTree(vectors[lost]), chord(radius / 3600.0))
    first = np.repeat(np.arange(len(near)), [len(item) for item in near])
    second = lost[np.fromiter((k for item in near for k in item), np.int64, len(first))]

    def alone(mag: Floats) -> Bools:
        fainter = mag[second] - mag[found.reference_index[first]]
        with np.errstate(invalid="ignore"):
            light = np.bincount(first, np.nan_to_num(10.0 ** (-0.4 * fainter)), len(near))
        lonely: Bools = light < OTHERS_LIGHT
        return lonely

    return alone


def _fit_one(task: Task, everywhere: terms.Place, pair: Pair, passband: Passband, mine: Bools) -> Candidate:
    reference, found = pair
    source, rows = found.source_index[mine], found.reference_index[mine]
    ref_mag, ref_err = (column[rows] for column in reference.bands[passband.filter])
    inst_mag, inst_err = task.stars.inst_mag[source], task.stars.inst_mag_err[source]
    stars = terms.Stars(
        passband=str(passband),
        difference=ref_mag - inst_mag,
        error=np.maximum(np.hypot(ref_err, inst_err), LEAST_ERROR),
        colours=colours_of(reference, rows, passband.filter),
        place=_among(everywhere, source),
    )
    native = fit_zero_point(stars.difference, stars.error)
    full = terms.FullFit(fit=native, colour_term=None, field_term=None, residual=stars.difference - native.zero_point)
    if not quality(native):
        full = terms.fit_terms(stars, native, task.colour_priors.get(str(passband), ANY_CAMERA))
    used = UsedStars(
        source_index=source,
        reference_index=rows,
        sep_arcsec=found.sep_arcsec[mine],
        ref_mag=ref_mag,
        ref_err=ref_err,
        inst_mag=inst_mag,
        inst_err=inst_err,
        residual=full.residual,
        inlier_probability=full.fit.inlier_probability,
        colour=stars.colours.value if stars.colours else None,
    )
    return Candidate(
        passband=passband,
        fit=full.fit,
        native=native,
        colour_term=full.colour_term,
        field_term=full.field_term,
        stars=used,
        photographic=is_photographic(reference.catalogue),
    )


def colours_of(reference: ReferenceStars, rows: Bools | np.typing.NDArray[np.int64], band: str) -> terms.Colours | None:
    """Return the colours of reference stars that a filter's colour term is fitted in; None where there are none."""
    recipe = derived_recipe(reference.catalogue, band)
    pair = tuple(recipe["colour"]) if recipe else colour_for(band, reference.bands)
    if pair is None or not all(name in reference.bands for name in pair):
        return None
    (first, first_err), (second, second_err) = (
        (mag[rows], err[rows]) for mag, err in (reference.bands[name] for name in pair)
    )
    by_first, by_second = (float(band == name) for name in pair)
    if recipe:  # a computed magnitude shares its errors with the magnitudes it was computed from
        slope = float(recipe["coefficients"][1])
        by_first, by_second = slope + (recipe["base"] == pair[0]), (recipe["base"] == pair[1]) - slope
    shared = by_first * first_err**2 - by_second * second_err**2
    return terms.Colours(name="-".join(pair), value=first - second, err=np.hypot(first_err, second_err), shared=shared)


def _places(task: Task) -> terms.Place:
    """Return where all stars and the target stand in the field, in units of its radius; NaN beyond half a sky."""
    stars = task.stars
    ra, dec = stars.centre
    xy = tangent_plane(stars.ra_deg, stars.dec_deg, ra, dec)
    scale = max(stars.radius_deg, 1.0 / 3600.0)
    target = tangent_plane(task.target.ra_deg, task.target.dec_deg, ra, dec)
    return terms.Place(xy=xy / scale, target=target / scale, ra_deg=ra, dec_deg=dec, scale_deg=scale)


def _among(everywhere: terms.Place, source: np.typing.NDArray[np.int64]) -> terms.Place | None:
    """Return where some of the stars stand; None where that is half a sky."""
    some = replace(everywhere, xy=everywhere.xy[source])
    return some if np.isfinite(some.xy).all() and np.isfinite(some.target).all() else None

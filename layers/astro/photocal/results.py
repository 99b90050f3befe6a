"""What a calibration is made of: plain frozen records, from the offset of the catalogue to the target's magnitude."""

from __future__ import annotations

from dataclasses import dataclass, field

from cpcs.passbands import Choice, Passband
from cpcs.records import ColourMeasurement, ColourPrior, Mode
from photocal.arrays import Floats, Ints
from photocal.stars import StarList
from photocal.zeropoint import ZeroPointFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The position whose magnitude is asked for, deg, ICRS."""

    ra_deg: float
    dec_deg: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMagnitude:
    """The target on the standard scale, or the limit where it was not seen.

    Attributes
    ----------
    ra_deg, dec_deg
        Of the source taken for the target, deg, as the catalogue gives it; with a limit, or measured there, of the
        position asked for.
    mag
        Standard magnitude, or with ``is_limit`` the limiting magnitude.
    mag_err
        The source's own error, mag; None with a limit.
    method
        ``source``: of the star list; ``forced-psf``: measured on the image at the position asked for; ``limit``.
    sep_arcsec
        Distance of the source (offset removed) from the position asked for; None where there is no source.
    source_index
        The source's row in the star list; None where there is no source.
    limit_method
        How the limit was found: ``forced-psf`` (from the error of the flux at the position), ``error-relation`` or
        ``faintest-source``.
    limit_mag
        Standard magnitude at which a source would have the signal-to-noise ratio of a limit; also for a target seen.
    corrected_mag, corrected_mag_err
        With the colour term: ``mag + colour_term (colour - reference_colour)``; the error holds those of the colour
        and of the term. None where there is no colour term.
    colour, colour_err
        The target's, mag, in the colour of the term.
    colour_source
        Where it is from: ``given``, ``catalogue`` (the target is a reference star), ``field`` (unknown: that of the
        stars used, give or take their spread); empty without a colour term.
    """

    ra_deg: float
    dec_deg: float
    mag: float
    mag_err: float | None
    is_limit: bool
    inst_mag: float
    method: str
    sep_arcsec: float | None = None
    source_index: int | None = None
    flags: int = 0
    nearest_arcsec: float | None = None
    limit_method: str = ""
    limit_mag: float | None = None
    corrected_mag: float | None = None
    corrected_mag_err: float | None = None
    colour: float | None = None
    colour_err: float | None = None
    colour_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourTerm:
    """How the zero point depends on the colour of a star.

    ``std_mag = inst_mag + zero_point + value (colour - reference_colour)``

    Attributes
    ----------
    colour
        Two filters of the reference catalogue, ``g-r``.
    value, err
        mag per mag: what the frame and what was believed before say together.
    reference_colour
        The mean colour of the stars used: the zero point is that of a star of this colour.
    colour_spread
        Of the colours of the stars used, mag, errors taken out.
    n_stars
        How many of them have a colour.
    prior
        What was believed before: learned from earlier frames of the camera and filter (with the doubt that this one
        casts on them), or what holds for any.
    measured
        What this frame says alone; None where it says next to nothing.
    """

    colour: str
    value: float
    err: float
    reference_colour: float
    colour_spread: float
    n_stars: int
    prior: ColourPrior
    measured: ColourMeasurement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTerm:
    """How the zero point varies over the field: a polynomial in east and north of the middle of the stars.

    Attributes
    ----------
    order
        1 or 2.
    names
        Of the coefficients: ``x``, ``y``, ``xx``, ``xy``, ``yy``.
    coefficients, errors
        mag, for x and y in units of ``scale_deg``.
    ra_deg, dec_deg, scale_deg
        Where x and y are 0, and how long their unit is; deg.
    bic_gain
        By how much the Bayesian information criterion is better than that of a zero point without it.
    range_mag
        Between the 5th and the 95th percentile of the stars used, mag.
    """

    order: int
    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    ra_deg: float
    dec_deg: float
    scale_deg: float
    bic_gain: float
    range_mag: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyOffset:
    """How far the catalogue lies from the reference, measured and removed: catalogue minus reference, arcsec."""

    east_arcsec: float = 0.0
    north_arcsec: float = 0.0
    scatter_arcsec: float = 0.0  # of the matched stars, per axis, after the offset is taken out
    n_matched: int = 0
    catalogue: str = ""  # the reference catalogue it was measured with


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedStars:
    """The stars of one fit, star by star; all arrays have the same length n.

    ``residual = ref_mag - inst_mag - zero_point`` and less the colour and the field term, where there are; mag.
    """

    source_index: Ints  # (n,) rows of the star list
    reference_index: Ints  # (n,) rows of the reference stars
    sep_arcsec: Floats  # (n,) distance after the offset is taken out
    ref_mag: Floats
    ref_err: Floats
    inst_mag: Floats
    inst_err: Floats
    residual: Floats
    inlier_probability: Floats
    colour: Floats | None = None  # (n,) mag, in the colour of the term; NaN where the catalogue has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One passband that was tried.

    Attributes
    ----------
    fit, stars
        The zero point (at the target's place, for a star of the reference colour), and the stars it rests on.
    native
        The zero point without colour and field term: one number for all stars. Its scatter tells filters apart.
    colour_term, field_term
        What the zero point depends on; None where the stars cannot tell.
    probability
        Of its filter, shared out among the catalogues that measured in it; 0 for candidates that cannot win.
    refused
        Why it cannot win: ``few-stars``, ``outliers``, ``scatter``, ``photographic``; empty when it can.
    photographic
        Whether its magnitudes come from plates.
    """

    passband: Passband
    fit: ZeroPointFit
    stars: UsedStars
    native: ZeroPointFit
    colour_term: ColourTerm | None = None
    field_term: FieldTerm | None = None
    probability: float = 0.0
    refused: str = ""
    photographic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """All that one calibration found.

    Attributes
    ----------
    target
        The magnitude or limit at the position asked for.
    winner
        The candidate whose zero point was used.
    candidates
        Every passband that could be fitted, best first; those that failed the quality cuts last.
    confidence
        Probability that the winner's filter is right, 0 to 1, whichever catalogue measured it; forced or not.
    offset
        Of the catalogue against the reference.
    seconds
        Step -> wall seconds.
    """

    position: Target
    target: TargetMagnitude
    winner: Candidate
    candidates: tuple[Candidate, ...]
    mode: Mode
    forced: Choice | None
    filter_hint: str
    confidence: float
    offset: SkyOffset
    stars: StarList
    matching_radius_arcsec: float
    mjd: float | None
    pipeline: str
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def runner_up(self) -> Candidate | None:
        """The best candidate that lost, if any could have won."""
        others = [item for item in self.candidates if item is not self.winner and not item.refused]
        return others[0] if others else None

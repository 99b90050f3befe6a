"""What a calibration is made of: plain frozen records, from the offset of the catalogue to the target's magnitude."""

from __future__ import annotations

from dataclasses import dataclass, field

from cpcs.passbands import Choice, Passband
from cpcs.records import Mode
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
        Of the source taken for the target, deg, as the catalogue gives it; with a limit, of the position asked for.
    mag
        Standard magnitude, or with ``is_limit`` the limiting magnitude.
    mag_err
        The source's own error, mag; None with a limit.
    sep_arcsec
        Distance of the source (offset removed) from the position asked for; None with a limit.
    source_index
        The source's row in the star list; None with a limit.
    limit_method
        How the limit was found: ``error-relation`` or ``faintest-source``; empty otherwise.
    """

    ra_deg: float
    dec_deg: float
    mag: float
    mag_err: float | None
    is_limit: bool
    inst_mag: float
    sep_arcsec: float | None = None
    source_index: int | None = None
    flags: int = 0
    nearest_arcsec: float | None = None
    limit_method: str = ""


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

    ``residual = ref_mag - inst_mag - zero_point``, mag.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One passband that was tried.

    Attributes
    ----------
    fit, stars
        The zero point, and the stars it rests on.
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
        Probability that the winner's filter is right, 0 to 1, whichever catalogue measured it.
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

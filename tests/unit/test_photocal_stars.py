"""Star lists, and positions on the sky."""

from __future__ import annotations

import numpy as np
import pytest

from cpcs.errors import TargetOutsideField
from photocal.results import Target
from photocal.sphere import separation_deg, tangent_plane
from photocal.stars import StarList
from photocal.target import check_in_field


def stars_at(ra: list[float], dec: list[float]) -> StarList:
    n = len(ra)
    return StarList(
        ra_deg=np.array(ra),
        dec_deg=np.array(dec),
        inst_mag=np.zeros(n),
        inst_mag_err=np.full(n, 0.01),
        flags=np.zeros(n, dtype=np.int64),
        number=np.arange(n),
    )


@pytest.mark.parametrize(
    ("ra", "dec", "centre", "radius"),
    [
        ([359.9, 0.1, 0.0], [10.0, 10.0, 10.0], (0.0, 10.0), 0.0985),
        ([0.0, 90.0, 180.0, 270.0], [89.9, 89.9, 89.9, 89.9], None, 0.1),
        ([10.0], [-20.0], (10.0, -20.0), 0.0),
    ],
)
def test_centre_and_radius_hold_at_the_seams(ra, dec, centre, radius):
    stars = stars_at(ra, dec)
    if centre is None:
        assert stars.centre[1] == pytest.approx(90.0, abs=1e-6)
    else:
        assert separation_deg(*stars.centre, *centre) < 1e-3
    assert stars.radius_deg == pytest.approx(radius, abs=1e-3)


def test_a_few_rows_from_elsewhere_do_not_move_the_centre():
    stars = stars_at([120.0 + 0.001 * i for i in range(50)] + [0.0, 300.0], [30.0] * 50 + [0.0, -60.0])
    assert separation_deg(*stars.centre, 120.025, 30.0) < 0.05


def test_a_few_rows_from_elsewhere_do_not_widen_the_field():
    rng = np.random.Generator(np.random.PCG64(4))
    ra, dec = (list(rng.uniform(middle - 0.2, middle + 0.2, 60)) for middle in (120.0, 0.0))
    honest, with_strays = stars_at(ra, dec), stars_at([*ra, 0.0, 0.0, 300.0], [*dec, 0.0, 0.0, -60.0])
    assert with_strays.radius_deg == pytest.approx(honest.radius_deg, rel=0.1)
    assert with_strays.in_field.tolist() == [True] * 60 + [False] * 3
    # Between the field and the strays there is nothing, and a target there is outside.
    with pytest.raises(TargetOutsideField):
        check_in_field(with_strays, Target(ra_deg=110.0, dec_deg=0.0))
    check_in_field(with_strays, Target(ra_deg=120.1, dec_deg=0.1))


def test_a_cluster_in_a_wide_field_stays_in_it():
    rng = np.random.Generator(np.random.PCG64(5))
    far, near = rng.uniform(-0.25, 0.25, (2, 60)), rng.normal(0.0, 0.02, (2, 300))
    east, north = np.concatenate([far, near], axis=1)
    assert stars_at(list(50.0 + east), list(north)).in_field.all()


def test_select_keeps_columns_together_and_leaves_the_original():
    stars = stars_at([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    picked = stars.select(np.array([False, True, True]))
    assert picked.n == len(picked) == 2
    assert picked.number is not None
    assert picked.number.tolist() == [1, 2]
    assert picked.x is None
    assert stars.n == 3


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        StarList(
            ra_deg=np.zeros(2),
            dec_deg=np.zeros(2),
            inst_mag=np.zeros(3),
            inst_mag_err=np.zeros(2),
            flags=np.zeros(2, dtype=np.int64),
        )


def test_no_star_has_no_centre():
    with pytest.raises(ValueError, match="no stars"):
        _ = stars_at([], []).centre


def test_small_angles_are_exact():
    assert separation_deg(359.9999999, 60.0, 0.0000001, 60.0) == pytest.approx(1e-7, rel=1e-6)


def test_the_far_hemisphere_is_not_on_the_plane():
    plane = tangent_plane(np.array([10.0, 190.0]), np.array([0.0, 0.0]), 10.0, 0.0)
    assert plane[0] == pytest.approx([0.0, 0.0])
    assert np.isnan(plane[1]).all()

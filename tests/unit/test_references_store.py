"""The tile store: what is known, what is fetched, what is imported, and what is not to be had."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpcs.errors import ReferenceUnavailable
from photocal.references import FolderBlobs, ReferenceStars, TileStore, gather_places, sky
from photocal.references.tiles import BrokenTileError, Tile, decoded, encoded, joined, merged
from photocal.sphere import separation_deg

RNG_SEED = 20261122


def field(catalogue="APASS", *, n=57, ra=285.0, dec=11.0, radius=0.1, pm=False, bands=("V", "r"), seed=RNG_SEED):
    rng = np.random.default_rng(seed)
    distance, angle = radius * np.sqrt(rng.uniform(size=n)), rng.uniform(0, 2 * np.pi, n)
    return ReferenceStars(
        catalogue=catalogue,
        ra_deg=(ra + distance * np.cos(angle) / np.cos(np.radians(dec))) % 360.0,
        dec_deg=dec + distance * np.sin(angle),
        pm_ra_mas_yr=rng.normal(0, 20, n) if pm else None,
        pm_dec_mas_yr=rng.normal(0, 20, n) if pm else None,
        epoch_yr=2015.5,
        bands={band: (rng.uniform(12, 17, n), rng.uniform(0.01, 0.1, n)) for band in bands},
    )


class Sky:
    """A service with a star every few arcminutes, that can be switched off and counts its questions."""

    def __init__(self, catalogue="APASS"):
        self.catalogue, self.asked, self.down = catalogue, [], False

    def fetch(self, catalogue, cone):
        self.asked.append((catalogue, cone))
        if self.down or catalogue != self.catalogue:
            raise ReferenceUnavailable(catalogues=catalogue, ra_deg=cone[0], dec_deg=cone[1], reason="switched off")
        dec, ra = np.meshgrid(np.arange(-89.95, 90, 0.1), np.arange(280.05, 290, 0.1))
        ra, dec = ra.ravel(), dec.ravel()
        inside = separation_deg(ra, dec, cone[0], cone[1]) <= cone[2]
        mag = np.full(inside.sum(), 15.0)
        return ReferenceStars(
            catalogue=catalogue, ra_deg=ra[inside], dec_deg=dec[inside], epoch_yr=2012.0, bands={"V": (mag, mag / 1000)}
        )


@pytest.fixture
def blobs(tmp_path):
    return FolderBlobs(tmp_path)


# --- tiles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 57])
@pytest.mark.parametrize("pm", [False, True])
def test_a_tile_survives_its_bytes(n, pm):
    tile = Tile(number=5, stars=field(n=n, pm=pm), cones=((1.0, 2.0, 3.0),))
    data = encoded(tile)
    back = decoded(data)
    order = np.lexsort((tile.stars.ra_deg, tile.stars.dec_deg))
    np.testing.assert_array_equal(back.stars.ra_deg, tile.stars.ra_deg[order])
    np.testing.assert_allclose(back.stars.bands["V"][0], tile.stars.bands["V"][0][order], atol=1e-6)
    assert (back.number, back.whole, back.cones) == (5, False, ((1.0, 2.0, 3.0),))
    assert (back.stars.pm_ra_mas_yr is not None) == pm
    assert encoded(back) == data


def test_errors_of_position_survive_and_need_not_be_there():
    plain = field(n=9, pm=True)
    known = replace(plain, err_mas=np.arange(9.0) + 1.0, pm_err_mas_yr=np.full(9, 0.5))
    back = decoded(encoded(Tile(number=5, stars=known))).stars
    assert sorted(back.err_mas) == list(known.err_mas)
    assert b"errors" not in encoded(Tile(number=5, stars=plain))
    together = joined([plain, known])
    assert np.isnan(together.err_mas[:9]).all()
    assert list(together.err_mas[9:]) == list(known.err_mas)


def test_the_same_stars_make_the_same_bytes():
    stars = field()
    shuffled = stars.select(np.random.default_rng(1).permutation(stars.n))
    assert encoded(Tile(number=1, stars=stars)) == encoded(Tile(number=1, stars=shuffled))


@settings(max_examples=80, deadline=None)
@given(cut=st.integers(0, 2000), flip=st.integers(0, 2000))
def test_damaged_tiles_are_known_as_such(cut, flip):
    good = encoded(Tile(number=5, stars=field()))
    with pytest.raises(BrokenTileError):
        decoded(good[: min(cut, len(good) - 1)])
    bad = bytearray(good)
    bad[flip % len(bad)] ^= 0xFF
    try:
        decoded(bytes(bad))  # a changed digit of the header may still be a header
    except BrokenTileError:
        return


def test_what_is_imported_twice_is_there_once():
    first, second = field(bands=("V",)), field(bands=("r",))
    both = merged(Tile(number=1, stars=first, cones=((1, 2, 3),)), Tile(number=1, stars=second, cones=((4, 5, 6),)))
    assert both.stars.n == 57
    assert set(both.stars.filters) == {"V", "r"}
    assert both.cones == ((1, 2, 3), (4, 5, 6))
    np.testing.assert_array_equal(both.stars.bands["V"][0], first.bands["V"][0])


def test_the_newer_magnitude_counts_and_the_older_star_stays():
    old = field(n=2)
    brighter = {band: (mag - 1, err) for band, (mag, err) in old.bands.items()}
    new = replace(old, bands=brighter).select(np.array([0]))
    stars = merged(Tile(number=1, stars=old), Tile(number=1, stars=new)).stars
    assert stars.n == 2
    np.testing.assert_allclose(np.sort(stars.bands["V"][0]), np.sort(old.bands["V"][0] - [1, 0]))


def test_joined_lists_need_not_have_the_same_filters():
    stars = joined([field(n=3, bands=("V",)), field(n=2, bands=("r",), pm=True)])
    assert stars.n == 5
    assert np.isnan(stars.bands["r"][0][:3]).all()
    np.testing.assert_array_equal(stars.pm_ra_mas_yr[:3], 0)


# --- the sky ------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [(0.0, 0.0), (359.999, -0.2), (120.0, 89.9), (10.0, -90.0), (285.0, 41.81)])
@pytest.mark.parametrize("radius", [0.01, 0.3, 2.0])
def test_the_tiles_of_a_cone_hold_all_of_it(place, radius):
    ra, dec = sky._spread((*place, radius))
    assert np.max(separation_deg(ra, dec, *place)) <= radius * 1.0001
    tiles = sky.tiles_touching(*place, radius)
    assert set(sky.tiles_of(ra, dec)) <= set(tiles)
    circle = sky.circle_around(tiles)
    assert np.max(separation_deg(ra, dec, circle[0], circle[1])) <= circle[2]


def test_footprints_are_apart_where_fields_are():
    one, two = field(ra=10, dec=20), field(ra=200, dec=-60, radius=0.5)
    circles = sky.footprints(np.concatenate([one.ra_deg, two.ra_deg]), np.concatenate([one.dec_deg, two.dec_deg]))
    assert len(circles) == 2
    assert max(circle[2] for circle in circles) < 0.7
    single = sky.footprints(np.array([5.0]), np.array([6.0]))
    assert single[0][:2] == (5.0, 6.0)
    assert single[0][2] > 0.01


# --- the store ----------------------------------------------------------------------------------


def test_nothing_known_is_not_nothing_there(blobs):
    with pytest.raises(ReferenceUnavailable) as caught:
        TileStore(blobs).cone("APASS", 285.0, 11.0, 0.1)
    assert caught.value.metadata["catalogues"] == "APASS"


def test_an_imported_field_is_used(blobs):
    TileStore(blobs).add(field())
    stars = TileStore(blobs).cone("APASS", 285.0, 11.0, 0.1)
    assert stars.n == 57
    within = TileStore(blobs).cone("APASS", 285.0, 11.02, 0.05)
    assert 0 < within.n < 57
    assert within.complete


def test_a_small_import_in_a_wide_field_is_used_and_said_to_be_partial(blobs):
    TileStore(blobs).add(field(n=5, radius=0.02))
    stars = TileStore(blobs).cone("APASS", 285.0, 11.0, 1.0)
    assert stars.n == 5
    assert not stars.complete


def test_an_import_says_nothing_of_other_places(blobs):
    TileStore(blobs).add(field())
    with pytest.raises(ReferenceUnavailable):
        TileStore(blobs).cone("APASS", 280.0, 11.0, 0.1)
    with pytest.raises(ReferenceUnavailable):
        TileStore(blobs).cone("PS1", 285.0, 11.0, 0.1)


def test_an_imported_field_does_without_the_service(blobs):
    service = Sky()
    TileStore(blobs).add(field())
    TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.12)
    assert service.asked == []


def test_the_service_is_asked_once_for_whole_tiles(blobs):
    service = Sky()
    first = TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.3)
    assert first.complete
    assert first.n == pytest.approx(np.pi * 9, abs=6)
    again = TileStore(blobs, service).cone("APASS", 285.02, 11.01, 0.1)
    assert again.n > 0
    assert len(service.asked) == 1
    service.down = True
    assert TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.3).n == first.n


def test_an_empty_sky_is_remembered(blobs):
    service = Sky()
    assert TileStore(blobs, service).cone("APASS", 100.0, 11.0, 0.1).n == 0
    stars = TileStore(blobs, service).cone("APASS", 100.0, 11.0, 0.1)
    assert stars.n == 0
    assert stars.complete
    assert len(service.asked) == 1


def test_a_little_import_does_not_keep_the_service_out(blobs):
    service = Sky()
    TileStore(blobs).add(field(n=5, radius=0.02))
    stars = TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.5)
    assert len(service.asked) == 1
    assert stars.n > 60
    service.down = True
    assert TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.5).n == stars.n


def test_with_the_service_down_what_is_there_is_used(blobs):
    service = Sky()
    service.down = True
    TileStore(blobs).add(field(n=5, radius=0.02))
    assert TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.5).n == 5
    with pytest.raises(ReferenceUnavailable):
        TileStore(blobs, service).cone("APASS", 280.0, 11.0, 0.5)


def test_beyond_its_declinations_a_catalogue_has_no_stars(blobs):
    service = Sky("PS1")
    stars = TileStore(blobs, service).cone("PS1", 285.0, -60.0, 0.1)
    assert stars.n == 0
    assert stars.complete
    assert service.asked == []


@pytest.mark.parametrize("place", [(0.0, 0.0), (359.99, 45.0), (0.0, 89.95), (123.0, -89.95)])
def test_no_place_is_special(blobs, place):
    stars = field(ra=place[0], dec=place[1], radius=0.04) if abs(place[1]) < 80 else _polar(place)
    TileStore(blobs).add(stars)
    assert TileStore(blobs).cone("APASS", *place, 0.3).n == stars.n


def _polar(place):
    stars = field(n=20)
    return replace(stars, ra_deg=np.linspace(0, 342, 20), dec_deg=np.sign(place[1]) * np.linspace(89.85, 89.99, 20))


def test_two_imports_of_overlapping_fields(blobs):
    store = TileStore(blobs)
    store.add(field(n=40, radius=0.2))
    store.add(field(n=40, ra=285.15, radius=0.2, seed=2))
    store.add(field(n=40, radius=0.2))
    assert store.cone("APASS", 285.0, 11.0, 0.6).n == 80


def test_the_order_of_imports_of_apart_fields_does_not_matter(tmp_path):
    contents = []
    for order in ((1, 2), (2, 1)):
        folder = FolderBlobs(tmp_path / str(order))
        for seed in order:
            TileStore(folder).add(field(seed=seed, ra=285.0 + seed / 10, radius=0.03))
        contents.append({key: folder.get(key) for key in folder.list("")})
    assert contents[0] == contents[1]


def test_a_damaged_tile_is_fetched_anew(blobs):
    service = Sky()
    TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.1)
    for key in list(blobs.list("")):
        blobs.put(key, b"damaged")
    assert TileStore(blobs, service).cone("APASS", 285.0, 11.0, 0.1).n > 0
    assert len(service.asked) == 2


class Bucket:
    """Blobs that are far away: anything but a folder."""

    def __init__(self):
        self.held = {}

    def get(self, key):
        return self.held.get(key)

    def put(self, key, data):
        self.held[key] = data

    def list(self, prefix):
        return (key for key in sorted(self.held) if key.startswith(prefix))


def test_a_bucket_serves_as_well_as_a_folder(blobs):
    bucket = Bucket()
    for kept in (bucket, blobs):
        TileStore(kept).add(field(radius=0.4))
    far, near = (TileStore(kept).cone("APASS", 285.0, 11.0, 0.3) for kept in (bucket, blobs))
    np.testing.assert_array_equal(far.ra_deg, near.ra_deg)
    assert {key: blobs.get(key) for key in blobs.list("")} == bucket.held


def test_the_store_says_what_it_holds(blobs):
    store = TileStore(blobs)
    store.add(field())
    store.add(field("M 67 +", bands=("Rc",)))
    assert store.catalogues() == ("APASS", "M 67 +")
    summary = {item.catalogue: item for item in store.summary()}
    assert summary["M 67 +"].filters == ("Rc",)
    assert summary["APASS"].stars == 57
    assert summary["APASS"].whole_tiles == 0


def test_many_threads_at_once(blobs):
    service = Sky()
    store = TileStore(blobs, service)
    counts = []
    threads = [
        threading.Thread(target=lambda: counts.append(store.cone("APASS", 285.0, 11.0, 0.3).n)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(counts)) == 1


def test_proper_motions_carry_stars_to_the_epoch():
    stars = ReferenceStars(
        catalogue="GAIA",
        ra_deg=np.array([0.0, 10.0, 200.0]),
        dec_deg=np.array([0.0, 60.0, 89.9999]),
        pm_ra_mas_yr=np.array([-1000.0, 3600.0, 0.0]),
        pm_dec_mas_yr=np.array([0.0, 0.0, 100.0]),
        epoch_yr=2016.0,
        bands={},
    )
    moved = stars.at_epoch(2026.0)
    assert moved.epoch_yr == 2026.0
    assert moved.ra_deg[0] == pytest.approx(360.0 - 10 / 3600)
    assert (moved.ra_deg[1] - 10.0) * 3600 == pytest.approx(36.0 / np.cos(np.radians(60)), rel=1e-4)
    assert moved.dec_deg[2] == pytest.approx(89.9999 + 1 / 3600, abs=1e-8) or moved.dec_deg[2] < 90.0
    same = separation_deg(moved.ra_deg, moved.dec_deg, stars.ra_deg, stars.dec_deg) * 3600
    np.testing.assert_allclose(same, [10.0, 36.0, 1.0], rtol=1e-5)


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        ReferenceStars(catalogue="X", ra_deg=np.zeros(2), dec_deg=np.zeros(3))


def test_an_empty_folder_holds_nothing(tmp_path):
    assert TileStore(FolderBlobs(tmp_path / "nowhere")).summary() == []


def test_a_catalogue_that_is_not_held_is_looked_for_once_and_found_when_it_comes():
    bucket = Bucket()
    asked = []
    bucket.get = lambda key: asked.append(key) or bucket.held.get(key)
    tiles = TileStore(bucket)
    with pytest.raises(ReferenceUnavailable):
        tiles.cone("APASS", 285.0, 11.0, 0.5)
    assert asked == []
    TileStore(bucket).add(field())
    assert tiles.cone("APASS", 285.0, 11.0, 0.05).n > 0


def test_places_come_from_the_catalogue_that_knows_them_best(tmp_path):
    """Not from one with a handful of stars while another has enough; and not at all where none is to be had."""
    tiles = TileStore(FolderBlobs(tmp_path))
    with pytest.raises(ReferenceUnavailable):
        gather_places(tiles, 285.0, 11.0, 0.1)
    tiles.add(field("GAIA", n=4))
    few = gather_places(tiles, 285.0, 11.0, 0.1)
    assert [(stars.catalogue, stars.n) for stars in few.stars] == [("GAIA", 4)]
    assert "PS1" in few.unavailable
    tiles.add(field("APASS"))
    enough = gather_places(tiles, 285.0, 11.0, 0.1)
    assert [stars.catalogue for stars in enough.stars] == ["APASS"]

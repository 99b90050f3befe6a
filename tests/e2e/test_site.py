"""The built site on the embedded stack: an observer's way from the key to the point in the light curve, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from infra import seed
from infra.local import deploy
from infra.local.stack import EmbeddedStack
from photocal.references import TileStore
from tests.e2e.observer import Observer, fresh_mjd, observer_in
from tests.support.chromium import DESK, PHONE, chromium, troubles_of
from tests.support.pictures import a_star, picture

pytestmark = [pytest.mark.e2e, pytest.mark.browser]
SLOW_MS = 60_000  # a cold calibrate function on a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (deploy.ROOT / "web" / "dist" / "index.html").is_file():
        pytest.skip("the site is not built: make web")
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def observer(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observer]:
    """An observer of a stack that serves the real site (the shared one serves two files instead)."""
    folder = tmp_path_factory.mktemp("site-stack")
    with EmbeddedStack(folder) as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environment.items():
            patch.setenv(name, value)
        yield observer_in(stack, tmp_path_factory.mktemp("site-files"))


@pytest.fixture
def page(browser: Browser, observer: Observer) -> Iterator[Page]:
    context = browser.new_context(base_url=observer.stack.url, viewport=DESK)
    yield context.new_page()
    context.close()


@pytest.fixture
def signed_in(page: Page, observer: Observer) -> Page:
    page.goto("/login.html")
    page.get_by_label("Key").fill(observer.loaded.secret)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/upload.html")
    return page


def send(page: Page, observer: Observer, content: bytes, *, dry_run: bool = False) -> float:
    """Fill the form and send one catalogue; return its MJD."""
    mjd = fresh_mjd()
    page.goto(f"/upload.html?event={observer.event}")
    page.get_by_label("Catalogues").set_input_files({"name": "night.cat", "mimeType": "text/plain", "buffer": content})
    page.get_by_label("Middle of the exposure").fill(str(mjd))
    if dry_run:
        page.get_by_label("Dry run").check()
    page.get_by_role("button", name="Send", exact=True).click()
    return mjd


def test_catalogue_sent_on_the_site_becomes_a_point_with_a_report(signed_in: Page, observer: Observer) -> None:
    troubles = troubles_of(signed_in)
    mjd = send(signed_in, observer, observer.catalogue)
    result = signed_in.locator(".files").last
    expect(result).to_contain_text("Done", timeout=SLOW_MS)
    expect(result).to_contain_text(str(observer.loaded.field.setup.passband))
    shown = float(re.search(r"Magnitude\s*(\d+\.\d+) ±", result.inner_text()).group(1))
    assert abs(shown - observer.loaded.field.true_mag) < 0.05

    report = result.get_by_role("link", name="Report of this calibration")
    observer.drawn(str(report.get_attribute("href")).partition("job=")[2])  # before that, a figure is not found
    report.click()
    expect(signed_in.locator("tr.won")).to_contain_text(str(observer.loaded.field.setup.passband))
    expect(signed_in.locator("svg.residuals circle").first).to_be_visible()
    signed_in.get_by_role("link", name=observer.event, exact=True).click()
    expect(signed_in.get_by_role("application")).to_be_visible()
    expect(signed_in.locator("tbody")).to_contain_text(f"{mjd:.5f}")
    signed_in.goto("/?observed=1")
    expect(signed_in.get_by_role("link", name=observer.event)).to_be_visible()
    assert troubles == []


def test_figures_of_the_report_are_shown_once_they_are_drawn(signed_in: Page, observer: Observer) -> None:
    job = observer.upload(figures=True)
    with observer.client() as client:
        client.wait([job["job_id"]])
    signed_in.goto(f"/report.html?job={job['job_id']}")
    expect(signed_in.locator(".panel")).to_be_visible()
    for _ in range(40):  # figures are drawn after the point is stored
        signed_in.reload()
        signed_in.locator(".panel").scroll_into_view_if_needed()
        signed_in.wait_for_timeout(500)
        if signed_in.locator(".panel img").count() and signed_in.locator(".by-star img").count():
            break
    for figure in (".panel", ".by-star"):
        signed_in.locator(figure).scroll_into_view_if_needed()
        shown = signed_in.locator(f"{figure} img")
        assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


def test_an_image_sent_on_the_site_shows_what_was_measured(signed_in: Page, observer: Observer) -> None:
    TileStore(observer.store.references).add(picture().references)
    target, _ = a_star(picture())
    event = seed.event(observer.store, "Gaia20site", target.ra_deg, target.dec_deg).name
    signed_in.goto(f"/upload.html?event={event}")
    signed_in.get_by_label("Catalogues or images").set_input_files(
        {"name": "night.fits", "mimeType": "application/fits", "buffer": picture().data}
    )
    expect(signed_in.get_by_label("Middle of the exposure")).not_to_have_value("")  # read off its header
    signed_in.get_by_role("button", name="Send", exact=True).click()
    result = signed_in.locator(".files").last
    expect(result).to_contain_text("Done", timeout=SLOW_MS)
    result.get_by_role("link", name="Report of this calibration").click()
    expect(signed_in.get_by_role("link", name="solved.hdr")).to_be_visible()
    cutout = signed_in.locator(".of-image img").first
    assert cutout.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    for size in (DESK, PHONE):
        signed_in.set_viewport_size(size)
        assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dry_run_shows_the_result_and_stores_nothing(signed_in: Page, observer: Observer) -> None:
    before = len(observer.store.points.by_event(observer.loaded.event.key))
    send(signed_in, observer, observer.catalogue, dry_run=True)
    expect(signed_in.locator(".files").last).to_contain_text("Done", timeout=SLOW_MS)
    expect(signed_in.locator(".files").last).to_contain_text("dry run")
    assert len(observer.store.points.by_event(observer.loaded.event.key)) == before


def test_refusal_is_shown_with_code_and_hint(signed_in: Page, observer: Observer) -> None:
    send(signed_in, observer, b"<!doctype html><title>Log in</title>")
    result = signed_in.locator(".files").last
    expect(result).to_contain_text("MARKUP_SENT", timeout=SLOW_MS)
    expect(result).to_contain_text("send the catalogue itself")


def test_point_is_deleted_by_its_owner(signed_in: Page, observer: Observer) -> None:
    point = observer.upload()["outcome"]
    signed_in.goto(f"/event.html?name={observer.event}")
    signed_in.get_by_role("button", name=f"Delete point {point['followup_id']}").click()
    signed_in.get_by_role("button", name="Delete it").click()
    expect(signed_in.locator("tbody")).not_to_contain_text(f"{point['mjd']:.5f}")
    left = observer.store.points.by_event(observer.loaded.event.key)
    assert point["followup_id"] not in [each.followup_id for each in left]


def test_new_event_with_a_difficult_name(signed_in: Page) -> None:
    name = "nvo.caltech/voeventnet/catot#1208121350994133433"
    signed_in.goto("/newevent.html")
    signed_in.get_by_label("Name").fill(name)
    signed_in.get_by_label("Right ascension").fill("14 42 39.60")
    signed_in.get_by_label("Declination").fill("+53 15 54.7")
    signed_in.get_by_role("button", name="Add the event").click()
    signed_in.wait_for_url("**/event.html?name=*")
    expect(signed_in.get_by_role("heading", level=1)).to_have_text(name)
    expect(signed_in.get_by_text("No follow-up point yet.")).to_be_visible()
    signed_in.goto("/")
    signed_in.get_by_role("link", name=name).click()
    expect(signed_in.get_by_text("14 42 39.60")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_pages_are_without_errors_for_a_stranger(page: Page, observer: Observer, viewport: dict[str, int]) -> None:
    page.set_viewport_size(viewport)
    troubles = troubles_of(page)
    for path in ("/", f"/event.html?name={observer.event}", "/followups.html", "/observatories.html", "/manual.html"):
        page.goto(path)
        expect(page.get_by_text(re.compile("^Loading"))).to_have_count(0)
        expect(page.get_by_role("alert")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    assert troubles == []

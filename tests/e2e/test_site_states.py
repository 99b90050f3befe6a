"""The site in states that the real server seldom shows: outages, refusals, waiting, nothing there, odd names."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support import site_server
from tests.support.chromium import DESK, PHONE, chromium, troubles_of
from tests.support.site_server import KEY, World, serve

pytestmark = pytest.mark.browser
PAGES = ["/", "/event.html?name=Gaia18dba", "/followups.html", "/observatories.html", "/manual.html", "/login.html",
         "/report.html?job=abc", "/upload.html", "/newevent.html", "/404.html"]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    if not site_server.DIST.is_dir():
        pytest.skip("the site is not built: make web")
    with chromium() as running:
        yield running


@pytest.fixture
def world():
    return World()


@pytest.fixture
def site(browser, world):
    """A page of a fresh visitor; its address is the stand-in server's."""
    server = serve(world)
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.server_port}", viewport=DESK)
    yield context.new_page()
    context.close()
    server.shutdown()
    server.server_close()


def sign_in(page, to="/upload.html"):
    page.goto(f"/login.html?next={to}")
    page.get_by_label("Key").fill(KEY)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{to}")


def choose(page, *names, content=b"# 1 NUMBER\n"):
    page.get_by_label("Catalogues").set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": content} for name in names]
    )


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_an_error_or_runs_over_the_edge(site, viewport, scheme):
    site.set_viewport_size(viewport)
    site.emulate_media(color_scheme=scheme)
    troubles = troubles_of(site)
    for path in PAGES:
        site.goto(path)
        expect(site.get_by_text(re.compile("^Loading"))).to_have_count(0)
        expect(site.locator("h1")).to_have_count(1)
        assert site.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    assert troubles == []


def test_alerts_are_paged_searched_and_switched(site, world):
    site.goto("/")
    rows = site.locator("tbody tr")
    expect(rows).to_have_count(50)
    site.get_by_role("button", name="Older").click()
    expect(site.get_by_text("Page 2")).to_be_visible()
    site.get_by_role("button", name="Newer").click()
    expect(rows.first).to_contain_text(world.alerts[0]["name"])
    site.get_by_text("Observed only").click()
    expect(site).to_have_url(re.compile(r"observed=1"))
    expect(rows.locator("td:last-child", has_text=re.compile("^0$"))).to_have_count(0)
    site.get_by_label("Find an event").fill("no such event")
    expect(site.get_by_text("No event has “no such event” in its name.")).to_be_visible()


def test_what_comes_from_outside_is_text_and_never_a_script(site, world):
    site.goto("/")
    site.get_by_role("link", name="<b>bold</b> 2018").click()
    expect(site.get_by_role("heading", level=1)).to_have_text("<b>bold</b> 2018")
    assert world.alerts[3]["url"].startswith("javascript:")
    assert site.locator("a[href^=javascript]").count() == 0
    expect(site.get_by_text("Web page")).to_have_count(0)


def test_names_with_slashes_and_signs_are_found(site):
    for name in ("nvo.caltech/voeventnet/catot#1208121350994133433", "CRTS J105122.8+672528"):
        site.goto("/")
        site.get_by_role("link", name=name).click()
        expect(site.get_by_role("heading", level=1)).to_have_text(name)
        expect(site.get_by_role("application")).to_be_visible()


def test_light_curve_is_drawn_switched_moved_by_keys_and_repeated_as_a_table(site):
    site.goto("/event.html?name=Gaia18dba")
    plot = site.get_by_role("application")
    before = plot.screenshot()
    site.get_by_label("PS1/r").uncheck(force=True)
    without = plot.screenshot()
    assert without != before
    plot.focus()
    site.keyboard.press("+")
    assert plot.screenshot() != without
    rows = site.locator("tbody tr")
    expect(rows).to_have_count(50)
    newest = rows.first.inner_text()
    site.get_by_role("button", name="MJD").click()
    assert rows.first.inner_text() != newest
    assert "> " in site.locator("main").inner_text()  # a limit


def test_pointing_at_the_plot_reads_a_point(site):
    site.goto("/event.html?name=Gaia18dba")
    over = site.locator(".u-over")
    box = over.bounding_box()
    for i in range(40):
        site.mouse.move(box["x"] + box["width"] * i / 40, box["y"] + box["height"] * 0.6)
        if "UTC" in site.locator(".readout").inner_text():
            break
    expect(site.locator(".readout")).to_contain_text("MJD")


def test_outage_shows_the_copies_and_says_so(site, world):
    world.api_down = True
    site.goto("/")
    expect(site.get_by_text("The server does not answer; this is the copy of 2026-11-22 21:00 UTC.")).to_be_visible()
    expect(site.locator("tbody tr")).to_have_count(50)
    site.goto("/event.html?name=ivo://Gaia18DBA")
    expect(site.get_by_role("application")).to_be_visible()
    expect(site.get_by_text("this is the copy")).to_be_visible()
    site.goto("/followups.html")
    expect(site.get_by_role("alert")).to_contain_text("UNAVAILABLE")
    world.api_down = False
    site.get_by_role("button", name="Try again").click()
    expect(site.locator("tbody tr").first).to_be_visible()


def test_unknown_things_are_told_with_code_sentence_and_hint(site):
    site.goto("/event.html?name=Gaia99zzz")
    alert = site.get_by_role("alert")
    for part in ("UNKNOWN_EVENT", "There is no event 'Gaia99zzz'.", "See the manual.", "request r-1"):
        expect(alert).to_contain_text(part)
    site.goto("/report.html?job=unknown")
    expect(site.get_by_role("alert")).to_contain_text("UNKNOWN_JOB")


def test_nothing_there_yet(site, world):
    world.alerts, world.n_points = [], 0
    site.goto("/")
    expect(site.get_by_text("There are no events yet.")).to_be_visible()
    world.alerts = site_server.events(1)
    site.goto("/event.html?name=Gaia18daa")
    expect(site.get_by_text("No follow-up point yet.")).to_be_visible()


def test_wrong_key_is_refused_and_the_right_one_leads_on(site):
    site.goto("/upload.html")
    site.locator("main").get_by_role("link", name="Sign in").click()
    site.get_by_label("Key").fill("wrong")
    site.locator("main").get_by_role("button", name="Sign in").click()
    expect(site.get_by_role("alert")).to_contain_text("BAD_KEY")
    site.get_by_label("Key").fill(KEY)
    site.locator("main").get_by_role("button", name="Sign in").click()
    site.wait_for_url("**/upload.html")
    expect(site.get_by_text("Loiano 1.52 m")).to_be_visible()
    site.get_by_role("button", name="Sign out").click()
    expect(site.get_by_text("Uploading needs the key of an observatory.")).to_be_visible()


def test_files_are_sent_through_stumbles_and_asked_for_together(site, world):
    sign_in(site)
    world.stumble = 2
    site.get_by_label("Event").fill("Gaia18dba")
    site.get_by_label("Forced filter").select_option("APASS/V")
    choose(site, "one.cat", "two.cat", "three.cat", content=b"# MJD-OBS = 58299.1\n# EXPTIME = 864\n")
    times = site.get_by_label("Middle of the exposure")
    expect(times.first).to_have_value("58299.105000")
    site.get_by_role("button", name="Send 3 files").click()
    expect(site.get_by_text("15.470 ± 0.012")).to_have_count(3, timeout=20_000)
    expect(site.get_by_text("3 files, 3 finished")).to_be_visible()
    for said in ("APASS/r", "79", "0.15", "0.50 s"):
        expect(site.locator(".files").last).to_contain_text(said)
    sent = [request for request in world.requests if request["path"] == "/api/uploads"]
    assert len(sent) == 5
    assert sent[0] | {"filename": "one.cat"} == {
        "method": "POST", "path": "/api/uploads", "event": "Gaia18dba", "mjd": 58299.105, "exposure_s": 864,
        "matching_radius_arcsec": 2, "filter": "APASS/V", "dry_run": False, "filename": "one.cat", "size": 36,
    }  # fmt: skip
    assert len(world.uploads) == 3
    assert world.status_questions < 12


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("REJECTED", ["Refused", "TOO_FEW_MATCHES", "Check the coordinates."]),
        ("WAITING_REFERENCE", ["The upload waits."]),
    ],
)
def test_what_the_server_says_of_a_file_is_shown(site, world, outcome, said):
    world.outcome = outcome
    sign_in(site)
    site.get_by_label("Event").fill("Gaia18dba")
    choose(site, "one.cat")
    site.get_by_label("Middle of the exposure").fill("2018-06-30 03:00")
    expect(site.get_by_text("MJD 58299.12500 = 2018-06-30 03:00:00 UTC")).to_be_visible()
    site.get_by_role("button", name="Send", exact=True).click()
    for part in said:
        expect(site.locator(".files").last).to_contain_text(part, timeout=10_000)


def test_wrong_times_are_caught_before_anything_is_sent(site, world):
    sign_in(site)
    site.get_by_label("Event").fill("Gaia18dba")
    choose(site, "one.cat")
    time = site.get_by_label("Middle of the exposure")
    for given, said in [("2458299.625", "This is a Julian Date"), ("99999", "in the future"), ("x", "Give an MJD")]:
        time.fill(given)
        site.get_by_role("button", name="Send", exact=True).click()
        expect(site.get_by_text(said)).to_be_visible()
    assert [request["path"] for request in world.requests] == ["/api/session"]


def test_owner_may_delete_a_point_after_a_question(site, world):
    sign_in(site, "/event.html?name=Gaia18dba")
    site.get_by_role("button", name=re.compile(r"Delete point")).first.click()
    site.get_by_role("button", name="Keep it").click()
    assert world.deleted == []
    site.get_by_role("button", name=re.compile(r"Delete point")).first.click()
    site.get_by_role("button", name="Delete it").click()
    expect(site.get_by_role("dialog")).to_have_count(0)
    assert len(world.deleted) == 1


def test_new_event_takes_sexagesimal_positions(site, world):
    sign_in(site, "/newevent.html")
    site.get_by_label("Name").fill("Gaia26abc")
    site.get_by_label("Right ascension").fill("14 42 39.60")
    site.get_by_label("Declination").fill("+95")
    site.get_by_role("button", name="Add the event").click()
    expect(site.get_by_text("Not a declination")).to_be_visible()
    site.get_by_label("Declination").fill("+53 15 54.7")
    site.get_by_role("button", name="Add the event").click()
    site.wait_for_url("**/event.html?name=Gaia26abc")
    assert world.alerts[0]["ra_deg"] == pytest.approx(220.665)
    assert world.alerts[0]["dec_deg"] == pytest.approx(53.265194, abs=1e-6)


def test_report_shows_every_candidate_and_its_stars(site):
    site.goto("/report.html?job=abc")
    expect(site.locator("tr.won")).to_contain_text("APASS/r")
    expect(site.get_by_text("too many outliers")).to_be_visible()
    site.get_by_role("button", name="PS1/r").click()
    expect(site.get_by_role("heading", name="Stars of PS1/r")).to_be_visible()
    assert site.locator("svg.residuals circle").count() == 80


def test_colours_are_chosen_and_kept(site):
    site.goto("/")
    site.get_by_role("button", name="Colours: Auto").click()
    site.get_by_role("button", name="Colours: Light").click()
    site.goto("/manual.html")
    expect(site.get_by_role("button", name="Colours: Dark")).to_be_visible()
    assert site.evaluate("getComputedStyle(document.body.parentElement).backgroundColor") == "rgb(16, 20, 27)"

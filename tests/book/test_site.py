"""The built book in a real browser: nothing from outside, no broken link, alternative texts, no sideways scrolling on a phone.

Needs Debian's package chromium and a built book; with SNNCORE_SITE=required a missing one is a failure, not a skip.
"""

import contextlib
import functools
import re
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from book.browser import require, served
from project import ROOT, read_json

SITE = ROOT / "book" / "_build" / "html"
pytestmark = pytest.mark.book
require({"no book has been built here (make reproduce)": (SITE / "index.html").exists()})


@pytest.fixture(scope="module")
def address():
    with served(SITE) as address:
        yield address


@pytest.fixture(params=["file", "http"])
def base(request, address):
    """The book in a folder, and served."""
    return SITE.as_uri() if request.param == "file" else address


@pytest.fixture
def tab(browser):
    """Opens tabs in a browser at an address, with the given settings."""

    def at(address="about:blank", **settings):
        page = opened.enter_context(browser.new_context(**settings)).new_page()
        page.goto(address, wait_until="load")
        return page

    with contextlib.ExitStack() as opened:
        yield at


HTML = sorted(p.relative_to(SITE) for p in SITE.rglob("*.html"))
PAGES = [p.as_posix() for p in HTML if p.parts[0] not in ("_static", "_modules")]  # without listings of source code
LINKS = "[...document.querySelectorAll('a[href], img[src], link[href], script[src]')].map(e => e.href || e.src)"


def every(page, address, settles=0):
    """The names of all pages, each opened in the tab; it settles in so many milliseconds."""
    for name in PAGES:
        page.goto(f"{address}/{name}", wait_until="load")
        page.wait_for_timeout(settles)
        yield name


def place(url: str) -> tuple[Path, str]:
    """The file that a link names, and the place in it."""
    parsed = urlparse(url)
    return SITE / unquote(parsed.path).lstrip("/"), unquote(parsed.fragment)


@functools.cache
def anchors(page: Path) -> set[str]:
    """What a link to a place of a page may name; nothing, if there is no such page."""
    return set(re.findall(r' (?:id|name)="([^"]*)"', page.read_text())) if page.exists() else set()


@functools.cache
def links(page: Path) -> set[str]:
    """Where a page's links lead, as they stand there, without the way up."""
    return {link.removeprefix("../") for link in re.findall(r'href="([^"]*)"', page.read_text())}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_ask_for_nothing_from_outside_and_all_is_there(tab, address, scheme):
    page, outside, broken, errors = tab(color_scheme=scheme), set(), set(), []
    page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else outside.add(r.url))
    page.on("response", lambda r: broken.add(f"{r.url} {r.status}") if r.status >= 400 and "favicon.ico" not in r.url else None)
    page.on("pageerror", lambda e: errors.append(f"{page.url}: {e}"))
    for name in every(page, address, 300):
        for url in filter(lambda url: url.startswith(address), page.evaluate(LINKS)):
            target, anchor = place(url)
            named = anchor and "=" not in anchor and target.suffix == ".html"  # with =, a view of the ledger
            if not target.exists() or (named and anchor not in anchors(target)):
                broken.add(f"{name} -> {url}")
    assert outside == set()
    assert broken == set()
    assert errors == []


def test_pictures_have_alternative_texts_and_load_and_no_page_shows_machinery(tab, address):
    """Words that a reader must never see: unresolved roles, leftovers of scripts. In the API, docstrings may speak of roles."""
    page, missing, seen = tab(), [], []
    for name in every(page, address):
        pictures = page.evaluate("[...document.querySelectorAll('.bd-article img')].map(i => [i.src, i.alt, i.naturalWidth])")
        missing += [f"{name}: {src}" for src, alt, width in pictures if len(alt.strip()) < 20 or width == 0]
        text = "" if name.startswith("api") else page.locator("body").inner_text()
        words = ("requestKernel", "THEBE", "{value}", "{claim}", "&gt;", "&lt;", "{numref}", "<!--", "Traceback")
        seen += [f"{name}: {word}" for word in words if word in text]
    assert missing == []
    assert seen == []


CUT = """(touch) => {
  const found = [], article = document.querySelector('.bd-article')?.getBoundingClientRect();  // the search has none
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push('the page');
  for (const e of document.querySelectorAll('.bd-article :is(pre, table, mjx-container, figcaption, caption)')) {
    const b = e.getBoundingClientRect(), code = e.tagName === 'PRE';
    let scrolls = false;  // tables and equations may be moved under the finger; code wraps
    for (let p = e; touch && !code && p.tagName !== 'ARTICLE'; p = p.parentElement) scrolls ||= getComputedStyle(p).overflowX === 'auto';
    if (b.width && !scrolls && (b.right > article.right + 1 || (code && e.scrollWidth > e.clientWidth + 1))) {
      found.push(`${e.tagName} ${e.id || e.textContent.trim().slice(0, 40)}`);
    }
  }
  return found;
}"""


@pytest.mark.parametrize("width", [390, 750, 1300, 1400])
def test_nothing_is_cut_on_any_screen(tab, address, width):
    """No code, table, equation or caption, and no page scrolls sideways."""
    page = tab(viewport={"width": width, "height": 900})
    assert {name: cut for name in every(page, address, 200) if (cut := page.evaluate(CUT, width < 1000))} == {}


def test_text_in_figures_has_nine_points_on_a_tablet(tab, address):
    """Drawings have at least 9 pt in their own size (see test_figures.py), and are shown in it."""
    page, small = tab(viewport={"width": 750, "height": 900}, color_scheme="light"), []
    shown = "[...document.querySelectorAll('.bd-article figure > img:not(.on-dark)')].map(i => [i.src, i.clientWidth / i.naturalWidth])"
    for name in every(page, address):
        small += [f"{name}: {src} {scale}" for src, scale in page.evaluate(shown) if 0 < scale < 0.999]
    assert small == []


def test_equations_are_set_and_claims_lead_to_the_ledger(tab, address):
    page = tab(f"{address}/notebooks/few_spike.html")
    page.wait_for_selector("mjx-container")
    claim = page.locator("a.claim").first
    number = claim.evaluate("link => link.firstChild.textContent")
    claim.click()
    page.wait_for_load_state()
    assert "/claims.html#claim-" in page.url
    row = page.locator(f"details[id='{urlparse(page.url).fragment}']")
    assert row.get_attribute("open") is not None
    assert number in row.inner_text()


def test_every_row_of_the_ledger_leads_to_the_section_that_uses_it(tab, address):
    page = tab(f"{address}/claims.html")
    rows = page.evaluate(
        "[...document.querySelectorAll('details.row[id]')].map(r => [...r.querySelectorAll('a.internal')].map(a => a.href))"
    )
    assert len(rows) > 300
    assert all(rows)
    for url in sorted({url for row in rows for url in row}):
        target, anchor = place(url)
        assert not anchor or anchor in anchors(target), url
        assert not anchor or f"claims.html#{anchor.removeprefix('use-')}" in links(target), url


BADGES = """() => [...document.querySelectorAll('a.claim, span.value, span:is(.recorded, .cited):not(.standing)')].filter((e) => {
  const links = [...document.querySelectorAll('a.claim')], before = links[links.indexOf(e) - 1];
  const beside = e.classList.contains('interval') && before && before.href === e.href;
  const sign = e.querySelector('.standing');
  if (/^not (run|recorded)/.test(e.textContent) || beside || e.closest('.admonition')) return false;
  return !sign || !/live|recorded|emulated|cited|expected/.test(sign.textContent) || getComputedStyle(sign, '::before').content === 'none';
}).map((e) => e.outerHTML)"""


def test_every_number_has_a_badge_in_sign_and_word(tab, address):
    """Numbers of ours and of others; settings, and intervals beside their number, go without."""
    page, without, seen = tab(), [], 0
    for name in every(page, address):
        seen += page.locator(".standing").count()
        without += [f"{name}: {number}" for number in page.evaluate(BADGES)]
        assert page.locator(".size .standing").count() == 0, name
    assert without == []
    assert seen > 500


def shown(page):
    return set(page.evaluate("[...document.querySelectorAll('details.row[id]:not([hidden])')].map(r => r.id)"))


def test_the_ledger_filters_and_its_views_can_be_linked(tab, base):
    page = tab(f"{base}/claims.html#verdict=differs")
    expected = set(page.evaluate("[...document.querySelectorAll('details.row[id][data-verdict=differs]')].map(r => r.id)"))
    assert shown(page) == expected != set()
    page.get_by_label("claims of").select_option("talk")
    talk = shown(page)
    assert set() != talk < expected
    id = page.locator(f"#{min(talk)} code").last.text_content()  # of a claim
    page.locator("form.ledger-filters input").fill(id)
    assert set() != shown(page) < talk
    assert f"{len(shown(page))} of " in page.locator("form.ledger-filters p").inner_text()
    view, kept = page.url, shown(page)
    assert f"q={id}" in view
    page.goto("about:blank")
    page.goto(view, wait_until="load")
    assert shown(page) == kept
    square = page.locator(".matrix td.cited-only a").first
    square.click()
    expect(page.locator("details.row[id]:visible")).to_have_count(int(square.inner_text()))
    page.get_by_role("button", name="clear").click()
    assert len(shown(page)) == page.locator("details.row[id]").count()


def test_a_link_opens_a_row_that_is_folded_and_filtered(tab, base):
    page = tab(f"{base}/claims.html")
    other = page.locator("details.row[data-of=package]").first.get_attribute("id")
    assert other not in shown(page)  # without any wish, the talk's claims are shown
    page.goto(f"{base}/claims.html#{other}", wait_until="load")
    row = page.locator(f"details[id='{other}']")
    assert row.get_attribute("open") is not None
    assert row.evaluate("r => { const b = r.getBoundingClientRect(); return b.top >= 0 && b.bottom <= innerHeight && b.height > 0; }")
    assert row.evaluate("r => getComputedStyle(r).outlineStyle") == "solid"


def test_without_scripts_the_ledger_is_whole(tab):
    page = tab(f"{SITE.as_uri()}/claims.html", java_script_enabled=False)
    rows = page.locator("details.row[id] > summary")
    assert rows.count() > 300
    assert all(row.is_visible() for row in rows.all()[::25])
    assert page.locator("form.ledger-filters").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 2 * 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results_pictures_and_verdicts_are_seen_in_the_first_minute(tab, address, width, height, scheme):
    """Without scrolling on a screen, with one scroll on a phone."""
    page = tab(f"{address}/index.html", color_scheme=scheme, viewport={"width": width, "height": height})
    for what in ("img.thumb", "a.status", "a.claim"):
        places = [e.bounding_box() for e in page.locator(f"table.found {what}").all()]
        assert sum(b["y"] > 0 and b["y"] + b["height"] < height and b["x"] + b["width"] <= width for b in places) >= 3, what
    assert page.locator("table.found tbody tr:not(:has(img.thumb))").count() == 0


def test_the_first_page_counts_what_the_ledger_holds(tab, address):
    entries, page = read_json(SITE / "ledger.json"), tab(f"{address}/index.html")
    assert f"{sum(e['live'] for e in entries)} live" in page.locator("p.strip").inner_text()
    table = page.locator("table", has=page.locator("a[href$='#talk-claims']"))
    cells = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    talk, package = ([e for e in entries if e["of"] == of] for of in ("talk", "package"))
    parts = [e for e in talk if e["against"] == "talk"], [e for e in talk if e["against"] != "talk"], package
    for row, part in zip(cells, parts, strict=True):
        agree = sum(e["status"] in ("agrees", "better", "meets") for e in part)
        others = [sum(e["status"] == status for e in part) for status in ("differs", "not-settled", "definition")]
        assert row[1:5] == [str(agree), *map(str, others)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_mode_changes_the_ground_and_shows_the_dark_drawings(tab, address, scheme):
    images = "[...document.querySelectorAll('.bd-article figure > img')]"
    shown = f"{images}.filter(i => getComputedStyle(i).display !== 'none').map(i => i.className)"
    page = tab(f"{address}/notebooks/few_spike.html", color_scheme=scheme)
    page.wait_for_timeout(300)
    white = page.evaluate("getComputedStyle(document.querySelector('body')).backgroundColor") == "rgb(255, 255, 255)"
    assert white == (scheme == "light")
    assert {name.split()[0] for name in page.evaluate(shown)} == {f"on-{scheme}"}


def test_a_figure_is_enlarged_by_click_and_by_key(tab, address):
    page = tab(f"{address}/notebooks/few_spike.html", viewport={"width": 390, "height": 844}, color_scheme="light")
    figure = page.locator(".bd-article figure > img.on-light:visible").first
    figure.click()
    assert page.locator("dialog.enlarged[open] img").bounding_box()["width"] > figure.bounding_box()["width"] * 1.5
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.enlarged:not([open])", state="attached")
    figure.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog.enlarged[open]").count() == 1


LEVELS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
RULES = {"light": LEVELS, "dark": {"type": "rule", "values": ["color-contrast"]}}  # the pages differ in colors alone


@pytest.mark.parametrize("scheme", RULES)
def test_pages_break_no_rule_of_accessibility(tab, address, scheme):
    """WCAG 2.2, levels A and AA, as far as axe can tell."""
    axe_core, options = Axe(), {"runOnly": RULES[scheme], "resultTypes": ["violations"]}
    page, broken = tab(color_scheme=scheme), []
    for name in every(page, address):
        for rule in axe_core.run(page, options=options).response["violations"]:
            broken += [f"{name}: {rule['id']} at {node['target'][0]}" for node in rule["nodes"]]
    assert broken == []

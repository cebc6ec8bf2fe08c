"""The console in a real Chromium: accessible, by keyboard only, without script, on a small screen."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import synthetic
from axe_playwright_python.base import AXE_SCRIPT
from browsing import serving

pytestmark = [
    pytest.mark.browser,
    # pytest-base-url declares its fixture in a way that pytest will no longer take; nothing of ours.
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),
]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LANGUAGES = ("fr", "nl", "de", "en")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
COLOURS = {"runOnly": ["color-contrast"]}
PAGES = {
    "delforge": (
        "/",
        "/?status=decided",
        "/suggestions/ID",
        "/suggestions/DECIDED",
        "/suggestions/DECIDED/explanation",
        "/decisions",
        "/resources/Observation/n0/1",
        "/nothing",
    ),
    "marchal": (
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/board",
        "/usecases/urine/monitoring",
        "/audit",
        "/account",
        "/people",
        "/about",
    ),
    "vermeulen": (
        "/usecases/urine/trial",
        "/usecases/urine/monitoring/rules",
    ),
    "segers": (
        "/received",
        "/terminology",
        "/quality",
        "/quality/feed?name=laboratory",
        "/quarantine",
        "/quarantine/1",
        "/quarantine/attempts/1",
        "/views",
        "/views/library/patients?rows=1",
        "/views/saved/mine",
        "/views/write",
        "/views/write?saved=mine",
    ),
    "lejeune": (
        "/identity",
        "/identity/pairs/2",
        "/identity/pairs/2/merge?survivor=d2",
        "/identity/merges/1",
        "/consents",
    ),
}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def address(tmp_path_factory) -> Iterator[str]:
    """A console that is really served, with a hospital of its own."""

    from vesalius.console import app

    hospital = synthetic.make(tmp_path_factory.mktemp("served"))
    synthetic.receive_file(hospital)
    synthetic.hold_rows(hospital)
    synthetic.receive_local_codes(hospital)
    synthetic.doubles(hospital, datetime.now(UTC))
    synthetic.validate(hospital)
    synthetic.watch(hospital, datetime.now(UTC))
    synthetic.save_views(hospital)
    synthetic.refuse(hospital)
    with serving(app(hospital)) as address:
        yield address
    hospital.close()


@pytest.fixture
def complaints(page) -> list[str]:
    """What the browser's console says: a refused style or script, a missing file, an exception."""
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


VIEW = '{"resource": "Patient", "select": [{"column": [{"name": "key", "path": "%s"}]}]}'


def press(page, selector: str) -> None:
    """Presses a button that sends a form, and waits for the page that follows."""
    with page.expect_navigation():
        page.click(selector)


def sign_in(page, address: str, login: str, language: str = "en") -> None:
    page.goto(f"{address}/sign-in")
    press(page, f'button[name=login][value="{login}"]')
    press(page, f'button[name=language][value="{language}"]')


def places(page, address: str, login: str) -> list[str]:
    """The pages of a person, with a suggestion that waits and one that was decided."""
    if login != "delforge":
        found = [address + path for path in PAGES[login]]
        return [*found, of_a_patient(page, address)] if login == "lejeune" else found
    found = []
    for status in ("open", "decided"):
        page.goto(f"{address}/?status={status}")
        found.append(page.locator("a.open").first.get_attribute("href").rpartition("/")[2])
    return [address + path.replace("DECIDED", found[1]).replace("ID", found[0]) for path in PAGES[login]]


def of_a_patient(page, address: str) -> str:
    """The page of what a patient refuses; the patient is looked up by keyboard, and stands sealed in it."""
    page.goto(f"{address}/consents")
    page.focus("#number")
    page.keyboard.type("Patient/p1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    return page.url


def violations(page, rules=RULES) -> list[str]:
    """What the checker says is wrong; only that is brought here, since what is right is many times as much."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    asked = {**rules, "resultTypes": ["violations"]}
    return [
        f"{page.url} {item['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for item in page.evaluate("asked => axe.run(asked).then(found => found.violations)", asked)
        for node in item["nodes"]
    ]


def test_the_checker_finds_what_is_wrong(page, address):
    page.goto(f"{address}/sign-in")
    page.evaluate(
        "document.querySelector('main').append(document.createElement('img'), document.createElement('button'))"
    )
    assert {line.split()[1] for line in violations(page)} == {"image-alt:", "button-name:"}


# What can be read in the dark depends on the colours alone: not on the language, nor any other rule on the colours.
@pytest.mark.parametrize(
    ("language", "scheme", "rules"),
    [(language, "light", RULES) for language in LANGUAGES] + [("de", "dark", COLOURS)],
    ids=[*LANGUAGES, "dark"],
)
def test_no_page_has_an_accessibility_violation(page, address, complaints, language, scheme, rules):
    page.context.add_init_script(AXE_SCRIPT)  # half a megabyte: sent once, not for each page
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}/sign-in")
    wrong = violations(page, rules)
    for login in PAGES:
        sign_in(page, address, login, language)
        for place in places(page, address, login):
            page.goto(place)
            assert page.locator("html").get_attribute("lang") == language
            page.evaluate(
                "document.querySelectorAll('details').forEach(each => { each.removeAttribute('name'); each.open = true; })"
            )
            wrong += violations(page, rules)
        press(page, "form[action='/sign-out'] button")
    assert not wrong, "\n".join(wrong)
    assert not [line for line in complaints if "404" not in line]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_scrolls_sideways_at_320_pixels(page, address, language):
    page.set_viewport_size({"width": 320, "height": 700})
    wide = []
    for login in PAGES:
        sign_in(page, address, login, language)
        for place in places(page, address, login):
            page.goto(place)
            if page.evaluate("document.documentElement.scrollWidth") > 320:
                wide.append(place)
        press(page, "form[action='/sign-out'] button")
    assert not wide


def tab_to(page, selector: str, most: int = 80) -> None:
    """Presses Tab until the focus is on what matches, as a person without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle !== 'none' || getComputedStyle(document.activeElement, '::after').outlineStyle !== 'none'"
            )
            return
    raise AssertionError(f"Tab never reaches {selector}")


def test_from_sign_in_to_undo_with_the_keyboard_alone(page, address, complaints):
    page.goto(f"{address}/sign-in")
    tab_to(page, "button[name=login][value=delforge]")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.locator("a.open").first
    assert first.evaluate("each => each === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/suggestions/*")
    tab_to(page, "button.primary")
    page.keyboard.press("Enter")
    page.wait_for_selector("form[action$='/undo']")
    assert page.locator("[data-until]").inner_text()  # minutes left
    tab_to(page, "form[action$='/undo'] button")
    page.keyboard.press("Enter")
    page.wait_for_selector("button.primary")
    assert not complaints


def test_slash_searches_and_typing_in_a_field_is_not_a_shortcut(page, address):
    sign_in(page, address, "delforge")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("jk/")
    assert page.input_value("#search") == "jk/"


def test_shortcuts_can_be_switched_off(page, address):
    sign_in(page, address, "delforge")
    press(page, "button[name=keys][value=off]")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") != "search"
    press(page, "button[name=keys][value=on]")


def test_filters_act_at_once_with_script(page, address, complaints):
    sign_in(page, address, "delforge")
    before = page.locator("a.open").count()
    page.select_option("#filter-ward", "Urologie")
    page.wait_for_url("**ward=Urologie**")
    assert 0 < page.locator("a.open").count() < before
    assert page.evaluate("document.activeElement.id") in ("filter-ward", "")
    page.fill("#search", "Lambert")
    page.wait_for_url("**find=**")
    assert "Lambert" not in page.url, "what is looked for stands in no address"
    assert page.locator("a.open").first.inner_text().startswith("Lambert")
    assert not complaints


def test_a_new_suggestion_is_announced_without_moving_anything(page, address):
    sign_in(page, address, "delforge")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.href")
    page.evaluate("document.getElementById('fresh').setAttribute('hx-get', '/worklist/fresh?seen=other')")
    page.evaluate(
        "htmx.process(document.getElementById('fresh')); htmx.ajax('GET', '/worklist/fresh?seen=other', {target: '#fresh', select: '#state'})"
    )
    page.wait_for_selector("#fresh a")
    assert page.evaluate("document.activeElement.href") == focused


def test_the_whole_walk_without_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address, "vermeulen")
    page.select_option("#filter-indicator", "info")
    press(page, "form[role=search] button")
    press(page, "a.open >> nth=0")
    page.click("summary:has-text('Override')")
    page.check("input[name=reason][value=bad_sample]")
    press(page, "button:text-is('Override')")
    assert page.locator("text=You can undo until").count() == 1
    press(page, "form[action$='/undo'] button")
    assert page.locator("button.primary").count() == 1
    context.close()


def test_the_page_prints_without_its_controls(page, address):
    sign_in(page, address, "delforge")
    page.locator("a.open").first.click()
    page.wait_for_selector("h1")
    page.emulate_media(media="print")
    assert not page.locator("header.bar").is_visible()
    assert page.locator("h1").is_visible()


def test_a_code_is_mapped_by_keyboard_alone(page, address):
    sign_in(page, address, "vermeulen", "fr")
    page.goto(f"{address}/terminology")
    line = page.locator(".codes > li", has_text="Kalium").first
    line.locator("summary").focus()
    page.keyboard.press("Enter")
    assert line.locator("details").get_attribute("open") is not None
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "means"
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "reason":
            break
    page.keyboard.type("Notre propre liste.")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Enregistré" in page.locator("[role=status]").first.inner_text()
    assert "LOINC 2823-3" in page.locator("section[aria-labelledby=history]").inner_text()


def test_rows_follow_what_is_typed_and_a_mistake_shows_its_line(page, address, complaints):
    sign_in(page, address, "segers")
    page.goto(f"{address}/views/write")
    page.fill("#text", VIEW % "getResourceKey()")
    page.wait_for_selector("#result th:text('key')")
    assert page.locator("#result tbody tr").count() > 1
    page.fill("#text", VIEW % "birthDat")
    page.wait_for_selector("#result .fault")
    assert "did you mean birthDate?" in page.text_content("#result")
    assert page.url == f"{address}/views/write"
    page.fill("#text", "{\n  oops")
    page.wait_for_selector("#result .fault:has-text('Line 2')")
    assert violations(page) == []
    assert complaints == []


def test_a_view_is_written_saved_and_taken_back_by_keyboard_alone(page, address):
    sign_in(page, address, "segers")
    page.goto(f"{address}/views/write")
    page.focus("#text")
    page.keyboard.press("Control+a")
    page.keyboard.type(VIEW % "id")
    page.focus("#name")
    page.keyboard.type("by_keyboard")
    with page.expect_navigation():
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    assert page.url == f"{address}/views/saved/by_keyboard"
    page.focus("form[action$='/undo'] button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("text=The view was withdrawn").count() == 1


def test_a_view_is_tried_and_saved_without_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address, "segers")
    page.goto(f"{address}/views/write")
    page.fill("#text", VIEW % "id")
    press(page, "button[value=try]")
    assert page.locator("#result tbody tr").count() > 1
    page.fill("#text", VIEW % "id +")
    press(page, "button[value=try]")
    assert page.locator("#result .fault").count() == 1
    assert page.input_value("#text") == VIEW % "id +"
    page.fill("#text", VIEW % "id")
    page.fill("#name", "without_script")
    press(page, "button[value=save]")
    assert page.url == f"{address}/views/saved/without_script"
    context.close()


@pytest.fixture(scope="module")
def real_address(tmp_path_factory) -> Iterator[str]:
    """A console with real data: everybody needs a password and a second factor."""

    from vesalius.console import app

    hospital = synthetic.make(tmp_path_factory.mktemp("real"), count=1, synthetic=False, second_factor="all")
    with serving(app(hospital)) as address:
        yield address
    hospital.close()


def test_a_second_factor_is_set_up_and_used_with_the_keyboard_alone(page, real_address, complaints):
    import pyotp

    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(f"{real_address}/sign-in?next=/account")
    wrong = violations(page)
    page.focus("#login")
    page.keyboard.type("martin")
    page.keyboard.press("Tab")
    page.keyboard.type(synthetic.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-factor")
    wrong += violations(page)
    frame, drawn = (page.locator(which).bounding_box() for which in (".qr svg", ".qr svg path.qrline"))
    assert frame["width"] > 150
    for side, length in (("x", "width"), ("y", "height")):  # the whole code is inside, with a quiet margin
        assert frame[side] < drawn[side]
        assert drawn[side] + drawn[length] < frame[side] + frame[length]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    tab_to(page, "#code")
    page.keyboard.type(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.wait_for_selector("ol.recovery")
    wrong += violations(page)
    recovery = page.locator("ol.recovery code").first.inner_text()
    tab_to(page, "main a.button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/account")
    wrong += violations(page)
    press(page, "form[action='/sign-out'] button")
    page.fill("#login", "martin")
    page.fill("#password", synthetic.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code")
    wrong += violations(page)
    page.keyboard.type(recovery)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert not wrong, "\n".join(wrong)
    assert not complaints

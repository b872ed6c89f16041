"""Pages made from captured logs, and the browser that opens them."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

import trtlog
from tests.conftest import FIXTURES, parsed_once
from trtlog.report.page.page import report, report_diff

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
T8, RTX = "trt-8.5.3-h200", "trt-rtx-1.7.1-h200"
# What a report must make sense of: a full run, a fallback, a failure, a death, a silent run, another product.
REPORTED = {
    "detailed": f"{T8}/resnet50_fp16_dyn_detailed.log.gz",
    "mobilenet": f"{T8}/mobilenet_fp16_verbose.log.gz",
    "failed": f"{T8}/err_unsupported_op.log.gz",
    "aborted": f"{T8}/unet_smallws_verbose.log.gz",
    "not_verbose": f"{T8}/sweep_r50_best_b8.log.gz",
    "rtx": f"{RTX}/rtxpy_mobilenet_v2.log.gz",
}
EVIL = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>\u202e\u2028\U0001f480&lt;"
VIEWPORT = {"width": 1280, "height": 800}
SECRETS = ("s3cr3t-pass", "tok3n-value", "k3y-value")


@pytest.fixture(scope="session")
def logs():
    """Return a captured log by its short name; each is read once."""
    return lambda name: parsed_once(FIXTURES / REPORTED[name])


@pytest.fixture(scope="session")
def evil_log() -> trtlog.Log:
    """A real log whose layer names, model and messages are HTML, and whose command holds secrets."""
    text = gzip.open(FIXTURES / REPORTED["mobilenet"], "rt", encoding="utf-8").read()
    text = text.replace("/features/features.18/", EVIL).replace("mobilenet_v2.onnx", f"{EVIL}.onnx")
    first, _, rest = text.partition("\n")
    secrets = (
        f" --remoteAutoTuningConfig=ssh://me:{SECRETS[0]}@10.0.0.7:22/x --timingCacheFile=https://h/c?token={SECRETS[1]}"
        f" --api-key={SECRETS[2]}"
    )
    warning = f"[11/22/2026-13:22:03] [W] [TRT] {EVIL} https://me:{SECRETS[0]}@example.com/\n"
    return trtlog.parse((first + secrets + "\n" + warning + rest).encode())


def installed() -> str | None:
    """Return the path of the installed browser, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the installed browser: the tests themselves install nothing."""
    if path := installed():
        return path
    pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def browser(chromium):
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def page_file(logs, request, tmp_path_factory):
    """Return the file of a report by the log's short name."""
    folder = tmp_path_factory.mktemp("reports")

    def get(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            if name == "rebuild":
                start = FIXTURES / "trt-8.5.3-h200" / "resnet50_fp32_verbose"
                pair = [f"{start}{ending}.log.gz" for ending in ("", "_rebuild")]
                text = report_diff(trtlog.diff(*pair))
            elif name == "diff":
                text = report_diff(trtlog.diff(logs("detailed"), logs("mobilenet")))
            elif name == "runs":
                both = (gzip.open(FIXTURES / REPORTED[n]).read() for n in ("failed", "not_verbose"))
                text = report(trtlog.parse(b"".join(both)))
            else:
                text = report(request.getfixturevalue("evil_log") if name == "evil" else logs(name))
            path.write_text(text, encoding="utf-8")
        return path

    return get


def opened(browser, address: str, problems: list[str]):
    """Open an address in a context of its own; note what the console shows and what is asked of a network."""
    page = browser.new_context(viewport=VIEWPORT).new_page()
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: problems.append(r.url) if not r.url.startswith("file:") else None)
    page.goto(address)
    page.wait_for_selector("html[data-ready=true]")
    return page


@pytest.fixture
def open_page(browser, page_file):
    """Open a report from disk; the test fails where the console shows an error or anything is asked of a network."""
    pages = []
    problems: list[str] = []

    def get(name: str, fragment: str = ""):
        pages.append(opened(browser, page_file(name).as_uri() + fragment, problems))
        return pages[-1]

    yield get
    for page in pages:
        page.context.close()
    assert problems == []


@pytest.fixture(scope="session")
def pages_to_see(browser, page_file):
    """Return a report, opened once, and its problems; to lay it out anew takes a second."""
    kept = {}

    def get(name: str):
        if name not in kept:
            problems: list[str] = []
            kept[name] = opened(browser, page_file(name).as_uri(), problems), problems
        return kept[name]

    yield get
    for page, _ in kept.values():
        page.context.close()


@pytest.fixture
def see_page(pages_to_see):
    """Show a report to a test that only looks at it: other tests look at the same."""
    seen = []

    def get(name: str):
        seen.append(pages_to_see(name))
        return seen[-1][0]

    yield get
    for page, _ in seen:
        page.emulate_media(color_scheme="light", media="screen")
        page.set_viewport_size(VIEWPORT)
    assert [problem for _, problems in seen for problem in problems] == []

"""Look at the built pages as readers do: in Chromium, on a desk's screen and on a phone's.

    sphinx-build -W --keep-going -q -b html doc OUT
    python doc/check_pages.py OUT [--screenshots FOLDER] [--pages GLOB] [--find WORDS ...]

Of every page it checks, at 1,280 and at 390 pixels:

- the page is no wider than the screen;
- every formula is rendered, without an error in it;
- every link to a page, a place on a page, or a file of the build leads somewhere;
- nothing is asked of the network, and no script fails;
- at 1,280 pixels no line of code is cut.

With ``--find`` the site's search must find each of the words that are given.

Prints what it found, and exits with 1 if anything.  Where Chromium is missing it says so and
exits with 0.  Needs nothing but Python: Chromium is spoken to through two pipes.
"""

import argparse
import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --hide-scrollbars "
    "--allow-file-access-from-files --remote-debugging-pipe"
).split()
SCREENS = {1280: 800, 390: 844}
# Narrower than this it is a phone: code may scroll in its box.
DESK = 1000

LOOK = """
(async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await document.fonts.ready;
  const maths = [...document.querySelectorAll(".math")];
  const drawn = e => e.querySelector("mjx-container svg, mjx-container mjx-math, math");
  const wrong = e => e.querySelector("[data-mml-node=merror], mjx-merror, merror");
  const wide = [...document.querySelectorAll("body *")].filter(e => {
    const box = e.getBoundingClientRect();
    if (box.right <= document.documentElement.clientWidth + 1) return false;
    if (!box.width || !e.checkVisibility()) return false;
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) {
      if (getComputedStyle(p).overflowX !== "visible") return false;
      if (getComputedStyle(p).position === "fixed") return false;
    }
    return getComputedStyle(e).position !== "fixed";
  });
  const name = e => e.tagName.toLowerCase() + (e.className ? "." + e.className : "");
  return JSON.stringify({
    width: document.documentElement.scrollWidth,
    wide: wide.slice(0, 3).map(name),
    formulas: maths.length,
    unrendered: maths.filter(e => !drawn(e) || wrong(e)).map(e => e.textContent.slice(0, 80)),
    cut: [...document.querySelectorAll("pre")].filter(e => e.scrollWidth > e.clientWidth + 1)
      .map(e => e.textContent.split("\\n").sort((a, b) => b.length - a.length)[0].trim()),
    links: [...document.querySelectorAll("a[href], img[src], link[href], script[src]")]
      .map(e => e.href || e.src).filter(href => typeof href === "string"),
  });
})()
"""

SEARCH = """
(async () => {
  const results = () => document.querySelectorAll("#search-results ul.search li").length;
  const summary = () => (document.querySelector(".search-summary") || {}).textContent || "";
  for (let wait = 0; wait < 100; wait++) {
    await new Promise(done => setTimeout(done, 50));
    if (results() || /did not match/.test(summary())) break;
  }
  return results();
})()
"""


class Browser:
    """Headless Chromium, spoken to by the DevTools protocol through pipes 3 and 4."""

    def __init__(self, program: str):
        self.profile = tempfile.mkdtemp()
        read_by_it, self.write = os.pipe()
        self.read, written_by_it = os.pipe()
        # Numbers that 3 and 4 cannot collide with.
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read_by_it, written_by_it)]

        def wire():
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        self.process = subprocess.Popen(
            [program, *OPTIONS, f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=wire,
            pass_fds=(3, 4),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for end in (read_by_it, written_by_it, *theirs):
            os.close(end)
        self.replies, self.number, self.session, self.events = b"", 0, None, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params) -> dict:
        """Send a command and wait for its answer; events are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self) -> dict:
        while b"\0" not in self.replies:
            part = os.read(self.read, 1 << 20)
            if not part:
                raise RuntimeError("Chromium has ended.")
            self.replies += part
        message, self.replies = self.replies.split(b"\0", 1)
        return json.loads(message)

    def open(self, address: str, width: int) -> tuple[dict, list[dict]]:
        """Show a page at some width; what it looks like, and what happened meanwhile."""
        phone = width < DESK
        screen = {"width": width, "height": SCREENS[width], "deviceScaleFactor": 1}
        self.ask("Emulation.setDeviceMetricsOverride", **screen, mobile=phone)
        self.events = []
        self.ask("Page.navigate", url=address)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())
        return json.loads(self.run(LOOK)), self.events

    def run(self, script: str):
        """What a script on the page answers."""
        answer = self.ask("Runtime.evaluate", expression=script, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"A script of the check failed: {answer['exceptionDetails']}")
        return answer["result"]["value"]

    def screenshot(self, path: Path) -> None:
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        os.close(self.read)
        os.close(self.write)
        shutil.rmtree(self.profile, ignore_errors=True)


class Places(HTMLParser):
    """The places of a page that a link can lead to."""

    def __init__(self, text: str):
        super().__init__()
        self.names: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.update(value for name, value in attrs if name in ("id", "name") and value)


def dead_links(links: list[str], places: dict[Path, set[str]]) -> list[str]:
    """Links within the build that lead nowhere; pages are read once."""
    dead = []
    for link in dict.fromkeys(links):
        parts = urlsplit(link)
        if parts.scheme != "file":
            continue
        path, place = Path(unquote(parts.path)), unquote(parts.fragment)
        if not path.is_file():
            dead.append(link)
        elif place and path.suffix == ".html":
            if path not in places:
                places[path] = Places(path.read_text(encoding="utf-8")).names
            # A place for highlighting text, not an anchor.
            if place.split(":~:")[0] not in places[path]:
                dead.append(link)
    return dead


def faults(seen: dict, events: list[dict], width: int, places: dict) -> list[str]:
    """What is wrong with a page, in sentences."""
    found = []
    if seen["width"] > width:
        found.append(f"is {seen['width']} pixels wide, by {', '.join(seen['wide']) or '?'}")
    found += [f"does not render the formula {text!r}" for text in seen["unrendered"]]
    if width > DESK:
        found += [f"cuts the line {line!r} ({len(line)} characters)" for line in seen["cut"]]
        found += [f"has a dead link to {link}" for link in dead_links(seen["links"], places)]
    for event in events:
        if event.get("method") == "Runtime.exceptionThrown":
            details = event["params"]["exceptionDetails"]
            text = details.get("exception", {}).get("description", details["text"])
            found.append(f"has a script that fails: {text.splitlines()[0]}")
        elif event.get("method") == "Network.requestWillBeSent":
            address = event["params"]["request"]["url"]
            if urlsplit(address).scheme not in ("file", "data", "blob", "about"):
                found.append(f"asks the network for {address}")
    return list(dict.fromkeys(found))


def unfound(folder: Path, program: str, words: list[str]) -> list[str]:
    """Words that the site's own search does not find."""
    browser, found = Browser(program), []
    try:
        for word in words:
            browser.open(f"{(folder / 'search.html').as_uri()}?q={quote(word)}", max(SCREENS))
            if not browser.run(SEARCH):
                found.append(f"the search finds nothing for {word!r}")
    finally:
        browser.close()
    return found


def check(folder: Path, program: str, pattern: str = "**/*.html", screenshots=None) -> list[str]:
    """All faults of the pages of a build, each with its page and width."""
    pages = sorted(page for page in folder.glob(pattern) if "_static" not in page.parts)
    found: list[str] = []
    formulas, places = 0, {}
    browser = Browser(program)
    try:
        for page in pages:
            name = page.relative_to(folder).as_posix()
            for width in SCREENS:
                seen, events = browser.open(page.as_uri(), width)
                formulas += seen["formulas"] if width > DESK else 0
                found += [
                    f"{name} at {width}: it {fault}"
                    for fault in faults(seen, events, width, places)
                ]
                if screenshots:
                    name_of_shot = f"{name.removesuffix('.html').replace('/', '-')}-{width}.png"
                    browser.screenshot(screenshots / name_of_shot)
    finally:
        browser.close()
    print(f"{len(pages)} pages, {formulas} formulas, {len(found)} faults")
    return found


def chromium() -> str | None:
    """The browser, if there is one; the variable CHROMIUM names another."""
    candidates = (os.environ.get("CHROMIUM", ""), *NAMES)
    return next((path for path in map(shutil.which, filter(None, candidates)) if path), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", default="**/*.html", help="which pages, as a glob")
    parser.add_argument("--screenshots", type=Path, help="a folder for a picture of every page")
    parser.add_argument("--find", nargs="+", default=[], help="words that the search must find")
    given = parser.parse_args()
    program = chromium()
    if program is None:
        print("Skipped: no Chromium here (install the package chromium, or set CHROMIUM).")
        return 0
    if given.screenshots:
        given.screenshots.mkdir(parents=True, exist_ok=True)
    folder = given.folder.resolve()
    found = check(folder, program, given.pages, given.screenshots)
    found += unfound(folder, program, given.find)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""page.py: looks at the status page in headless Chromium, by chromedriver's WebDriver protocol.

  page.py CHROMEDRIVER URL TOKEN DIR STEP...

Steps, in order; the first that is not true within its time ends with 1 and says so:
  text ID=VALUE      an element's text becomes that, without a reload
  shown ID, hidden ID
  click CSS          clicks what the selector finds
  sh COMMAND         runs a shell command, which must succeed
  look NAME          screenshots into DIR: light and dark, wide and as narrow as a phone
  sound              headings, labels, contrast, keyboard, no sideways scrolling, a clean console
  closed             a script that is not the page's own does not run
"""
import base64
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

DEADLINE_S = 60
CHROMIUM = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1000,900"]


class Browser:
    def __init__(self, program, profile):
        self.driver = subprocess.Popen([program, "--port=0"], stdout=subprocess.PIPE, text=True)
        for line in self.driver.stdout:
            port = re.search(r"started successfully on port (\d+)", line)
            if port:
                break
        else:
            sys.exit("chromedriver does not start")
        self.base = f"http://127.0.0.1:{port.group(1)}"
        options = {"args": CHROMIUM + ["--user-data-dir=" + profile]}
        made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.base += "/session/" + made["sessionId"]

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as why:
            sys.exit(f"{path}: {why.read().decode()[:500]}")

    def run(self, script):
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def devtools(self, command, **params):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.kill()


def within(what, check):
    end = time.monotonic() + DEADLINE_S
    while True:
        got = check()
        if got is True:
            return
        if time.monotonic() > end:
            sys.exit(f"{what}: {got!r}")
        time.sleep(0.1)


def element(name):
    return f"document.getElementById({json.dumps(name)})"


# WCAG 2.1, 1.4.3: the contrast of every text that shows, against the first background behind it; AA wants 4.5.
CONTRAST = """
const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const bright = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const behind = (at) => { for (; at; at = at.parentElement) { const c = parts(getComputedStyle(at).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
const poor = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const at = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !at.checkVisibility() || at.closest("script, style, svg")) continue;
  const pair = [bright(parts(getComputedStyle(at).color)), bright(behind(at))].sort((a, b) => b - a);
  const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
  if (ratio < 4.5) poor.push(at.textContent.slice(0, 40) + " " + ratio.toFixed(2));
}
return poor;
"""
HEADINGS = "return [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1]))"
UNNAMED = """return [...document.querySelectorAll('button, a, input, svg[role=img], section')].filter((at) =>
  !(at.getAttribute('aria-label') || at.getAttribute('aria-labelledby') || at.textContent.trim())).length"""
WIDE = "return document.scrollingElement.scrollWidth - innerWidth"


def colours(browser, scheme):
    browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def phone(browser, on):
    if on:
        browser.devtools("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    else:
        browser.devtools("Emulation.clearDeviceMetricsOverride")


def look(browser, folder, name):
    for scheme in "light", "dark":
        for narrow in False, True:
            colours(browser, scheme)
            phone(browser, narrow)
            shot = browser.devtools("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            with open(f"{folder}/{name}-{scheme}-{'phone' if narrow else 'wide'}.png", "wb") as out:
                out.write(base64.b64decode(shot))
    colours(browser, "light")
    phone(browser, False)


def sound(browser):
    levels = browser.run(HEADINGS)
    if levels.count(1) != 1 or any(b - a > 1 for a, b in zip(levels, levels[1:])):
        sys.exit(f"headings: {levels}")
    if browser.run(UNNAMED) != 0:
        sys.exit("something that can be used or seen has no name")
    for scheme in "light", "dark":
        colours(browser, scheme)
        poor = browser.run(CONTRAST)
        if poor:
            sys.exit(f"poor contrast, {scheme}: {poor}")
    phone(browser, True)
    if browser.run(WIDE) > 0:
        sys.exit("a phone must scroll sideways")
    phone(browser, False)
    # By the keyboard alone: Tab comes to every button that shows.
    want = browser.run("return [...document.querySelectorAll('button, summary')].filter((b) => b.checkVisibility()).length")
    browser.run("document.activeElement.blur(); window.got = new Set()")
    for _ in range(want * 2 + 2):
        for kind in "rawKeyDown", "keyUp":
            browser.devtools("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        browser.run("if (document.activeElement.matches('button, summary')) window.got.add(document.activeElement)")
    got = browser.run("return window.got.size")
    if got != want:
        sys.exit(f"the keyboard comes to {got} of {want} controls")
    said = [line for line in browser.ask("POST", "/se/log", {"type": "browser"})]
    if said:
        sys.exit(f"the console is not clean: {said}")


def closed(browser):
    browser.run("""const s = document.createElement('script'); s.textContent = 'window.foreign = 1';
      document.body.append(s); const i = document.createElement('div'); i.setAttribute('onclick', 'window.foreign = 2');
      document.body.append(i); i.click();""")
    if browser.run("return window.foreign === undefined") is not True:
        sys.exit("a foreign script has run")


def step(browser, folder, name, argument):
    if name == "text":
        at, _, want = argument.partition("=")
        within(f"text of {at}", lambda: (lambda got: got == want or got)(browser.run(f"return {element(at)}.textContent")))
    elif name in ("shown", "hidden"):
        within(f"{argument} is {name}", lambda: browser.run(f"return {element(argument)}.checkVisibility() === {json.dumps(name == 'shown')}"))
    elif name == "click":
        browser.run(f"document.querySelector({json.dumps(argument)}).click()")
    elif name == "sh":
        subprocess.run(argument, shell=True, check=True, stdout=subprocess.DEVNULL)
    elif name == "look":
        look(browser, folder, argument)
    elif name == "sound":
        sound(browser)
    elif name == "closed":
        closed(browser)
    else:
        sys.exit(f"no such step: {name}")


def main():
    program, url, token, folder = sys.argv[1:5]
    browser = Browser(program, folder + "/profile")
    try:
        # As if a person had typed the token when asked; the second visit has none in its address.
        browser.ask("POST", "/url", {"url": url.replace("://", f"://{token}:@")})
        browser.ask("POST", "/url", {"url": url})
        browser.run("window.first = true")
        for argument in sys.argv[5:]:
            name, _, rest = argument.partition(" ")
            step(browser, folder, name, rest)
            print("ok:", argument, flush=True)
        if browser.run("return window.first") is not True:
            sys.exit("the page was loaded again")
    finally:
        browser.close()


main()

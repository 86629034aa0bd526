"""The console in Debian's chromium, for tests, pictures and figures: a server of its own, a browser, and what a person does.

Nothing here sleeps: each step waits for what it leads to.
"""

import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

LIMIT = 30  # seconds that one step may take
PASSWORD = "correct horse"
SOURCE = 'def handler(request):\n    print("saw", request.method, request.sub_path)\n    return "answer one\\n"\n'
BROKEN = 'def handler(request):\n    value = (1 +\n    return "x"\n'

# A thousand functions, as the server would list them.
THOUSAND = """
const fetched = globalThis.fetch;
globalThis.fetch = async (path, init) => {
  const answer = await fetched(path, init);
  if (path !== "/api/v1/functions") return answer;
  const [one] = await answer.json();
  return Response.json(Array.from({length: 1000}, (_, index) => ({...one, name: `function-${index}`})));
};
"""
# A hundred thousand lines of a log, as fast as they are taken.
LINES = """
const asked = globalThis.fetch;
globalThis.fetch = async (path, init) => {
  if (!String(path).startsWith("/invok/logs/")) return asked(path, init);
  let number = 0;
  const event = () => `id: ${number}\\ndata: ${JSON.stringify(
    {time: "2026-11-29T12:00:00.000Z", source: "stdout", text: `line ${++number} of many`, cursor: number})}\\n\\n`;
  return new Response(new ReadableStream({
    pull(controller) {
      if (number === 100_000) return new Promise(() => {});
      controller.enqueue(new TextEncoder().encode(Array.from({length: 500}, event).join("")));
    },
  }));
};
"""

# What the tests share: a server, and the path of axe.min.js.
core = None
axe = None


class Core:
    """One `invok-core` with its console on free ports, and its data in a folder that goes with it."""

    def __init__(self, executable):
        self.folder = Path(tempfile.mkdtemp(prefix="invok-console."))
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("INVOK_", "DATABASE_", "REDIS_"))
        }
        for name in ("INVOK_TOOLCHAINS", "INVOK_GO", "INVOK_NODE", "INVOK_PYTHON", "INVOK_CACHE_DIR"):
            if name in os.environ:
                environment[name] = os.environ[name]
        environment |= {
            "SERVER_PORT": "0", "INVOK_CONSOLE_ADDRESS": "127.0.0.1:0", "INVOK_DATA_DIR": str(self.folder / "data"),
            "AUTH_SCRYPT_COST": "14", "AUTH_ATTEMPTS_PER_ADDRESS": "100000", "LOG_LEVEL": "warning",
            "INVOK_ALLOW_UNLIMITED": "1",
        }
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [str(executable)], cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        found = {}
        for line in self.process.stdout:
            match = re.match(r"(Invok listens on|The console is at) (\S+)", line)
            if match:
                found[match[1]] = match[2]
            if len(found) == 2:
                break
        else:
            raise RuntimeError("invok-core ended before it listened:\n" + (self.folder / "log").read_text())
        self.url, self.console = found["Invok listens on"], found["The console is at"]

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()
        subprocess.run(["chmod", "-R", "u+w", str(self.folder)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, path, token=None, body=None, fields=None, at=None):
        """One request. Returns the status and the body's bytes."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request((at or self.url) + path, data=data, method=method, headers=fields or {})
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if isinstance(body, (dict, list)):
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class Browser:
    """A browser with a profile of its own, and what a person does in the console."""

    def __init__(self, core, width=1280, height=860, dark=False, mobile=False):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--force-color-profile=srgb", f"--window-size={width},{height}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.core = core
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(LIMIT)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        if dark:
            self.dark(True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def dark(self, is_dark):
        features = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
        self.command("Emulation.setEmulatedMedia", features=features)

    # MARK: Waiting and finding

    def until(self, what, condition):
        """Returns what the condition does, once that is something."""

        def ask(_):
            try:
                return condition()
            except StaleElementReferenceException:
                return False

        wait = WebDriverWait(self.driver, LIMIT, poll_frequency=0.03)
        try:
            return wait.until(ask)
        except TimeoutException:
            said = [entry["message"] for entry in self.driver.get_log("browser")]
            raise AssertionError(f"{what}; the page says {self.text('body')[:600]!r}, the browser {said}") from None

    def find(self, css, text=None):
        """The first element that is seen, with that text in it."""

        def found():
            for element in self.driver.find_elements(By.CSS_SELECTOR, css):
                if element.is_displayed() and (text is None or text in (element.text or element.get_attribute("value") or "")):
                    return element
            return None

        return self.until(f"there is no {css} with {text!r}", found)

    def text(self, css):
        return self.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def gone(self, css):
        self.until(f"{css} stays", lambda: not self.driver.find_elements(By.CSS_SELECTOR, css))

    def click(self, css, text=None):
        self.find(css, text).click()

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def errors(self):
        """What the browser complained of, but for answers that are problems."""
        return [
            entry["message"] for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"]
        ]

    # MARK: What a person does

    def open(self, place):
        url = f"{self.core.console}/#/{place}"
        if self.driver.current_url == url:
            self.driver.refresh()
        else:
            self.driver.get(url)

    def enter(self, what, email):
        self.open(what)
        self.find("#email").send_keys(email)
        self.find("#password").send_keys(PASSWORD)
        self.find("#password").send_keys(Keys.ENTER)
        self.find(".bar")

    def write(self, text):
        """Puts that text into the editor, as typing does."""
        self.find(".CodeMirror, .editor textarea")
        self.script(
            """const field = document.querySelector(".editor textarea:not([tabindex])");
            const mirror = document.querySelector(".CodeMirror")?.CodeMirror;
            if (mirror) mirror.replaceRange(arguments[0], {line: 0, ch: 0}, {line: mirror.lineCount(), ch: 0});
            else { field.value = arguments[0]; field.dispatchEvent(new Event("input", {bubbles: true})); }""", text)

    def name(self, name):
        field = self.find("#name")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(name, Keys.TAB)

    def deploy(self):
        """By the keyboard; returns once the server has said how it went."""
        self.script("document.querySelector('.deploy-state').textContent = ''")
        self.find(".playground").find_element(By.CSS_SELECTOR, "#name").send_keys(Keys.CONTROL, Keys.ENTER)
        return self.until("the deploy does not end", lambda: re.search(r"Version \d+ in|Not deployed", self.text(".deploy-state")))[0]

    def token(self):
        return json.loads(self.script("return sessionStorage.getItem('invok.session')"))["token"]

    def user(self):
        return json.loads(self.script("return sessionStorage.getItem('invok.session')"))["user"]["uuid"]


def deploy(core, token, name, source, public=False, runtime="python"):
    """A function of one file, without a browser."""
    files = {"python": "function.py", "nodejs": "function.js", "go": "function.go"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("config.json", json.dumps({"function_name": name, "runtime": runtime}))
        out.writestr(files[runtime], source)
        if runtime == "nodejs":
            out.writestr("package.json", '{"type": "module"}')
    mark = "part-of-a-form"
    body = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}.zip"\r\n\r\n'.encode()
        + archive.getvalue() + f"\r\n--{mark}--\r\n".encode())
    status, answer = core.call(
        "POST", "/invok/deploy" + ("?access=public" if public else ""), token, body,
        {"Content-Type": f"multipart/form-data; boundary={mark}"})
    assert status == 200, answer
    return json.loads(answer)


def register(core, email):
    status, answer = core.call("POST", "/auth/register", body={"email": email, "password": PASSWORD})
    assert status == 201, answer
    return json.loads(answer)


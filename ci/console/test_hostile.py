"""Functions are hostile, and so are their pages and answers: what they try against the console, in a browser."""

import json
import unittest

import browser
from browser import Browser, Keys, deploy, register

# What a page tries. Each gives what it got, or why it got nothing.
ATTEMPTS = """
const attempts = {
  parent: () => window.parent.document.title,
  top: () => window.top.document.body.innerHTML,
  opener: () => window.opener.document.title,
  session: () => sessionStorage.getItem("invok.session"),
  kept: () => localStorage.length,
  cookie: () => { document.cookie = "a=b"; return document.cookie; },
  origin: () => { if (origin === "null") throw new Error("no origin"); return origin; },
  api: () => fetch(CONSOLE + "/api/v1/functions").then((answer) => answer.text()),
  write: () => fetch(CONSOLE + "/auth/login", {method: "POST", body: "{}"}).then((answer) => answer.text()),
  outside: () => fetch("http://127.0.0.1:9/").then(() => "reached"),
  worker: () => navigator.serviceWorker.register("worker.js").then(() => "registered"),
  frame: () => new Promise((resolve, reject) => {
    const frame = document.createElement("iframe");
    frame.onload = () => { try { resolve(frame.contentWindow.document.body.innerText); } catch (error) { reject(error); } };
    frame.src = CONSOLE + "/";
    document.body.append(frame);
  }),
  leave: () => { window.top.location = "http://127.0.0.1:9/"; return "left"; },
};
const got = {}, refused = {};
const all = NAMES.map(async (name) => {
  try { got[name] = await attempts[name](); } catch (error) { refused[name] = String(error); }
});
Promise.allSettled(all).then(() => {
  const report = document.createElement("pre");
  report.id = "report";
  report.textContent = JSON.stringify({got, refused});
  document.body.append(report);
});
"""


def page(names, console):
    """A function that answers with a page that tries those."""
    script = ATTEMPTS.replace("NAMES", json.dumps(names)).replace("CONSOLE", json.dumps(console))
    html = f"<!doctype html><meta charset=utf-8><title>hostile</title><body><p id=shown>shown</p><script>{script}</script>"
    return (
        "from invok import Response\n\nPAGE = " + repr(html) + "\n\n\ndef handler(request):\n"
        "    if request.sub_path.endswith('worker.js'):\n"
        "        return Response('self.onfetch = () => {}', content_type='text/javascript')\n"
        "    return Response(PAGE, content_type='text/html', headers={'Service-Worker-Allowed': '/',"
        " 'Access-Control-Allow-Origin': '*', 'Set-Cookie': 'session=stolen; Path=/'})\n")


class Hostile(unittest.TestCase):
    def test_an_answer_that_is_shown_reaches_nothing(self):
        names = ["parent", "top", "session", "kept", "cookie", "origin", "api", "write", "outside", "worker", "leave"]
        session = register(browser.core, "mallory@example.com")
        deploy(browser.core, session["token"], "hostile-one", page(names, browser.core.console))
        with Browser(browser.core) as seen:
            seen.enter("login", "mallory@example.com")
            seen.open(f"function/{session['user']['uuid']}/hostile-one/try")
            seen.find(".request input").send_keys("/", Keys.ENTER)
            frame = seen.find("iframe.rendered")
            self.assertEqual(frame.get_attribute("sandbox"), "allow-scripts")
            seen.driver.switch_to.frame(frame)
            report = json.loads(seen.find("#report").text)
            self.assertEqual(report["got"], {})
            self.assertEqual(set(report["refused"]), set(names))
            seen.driver.switch_to.default_content()
            self.assertIn("hostile-one", seen.find("h1").text)
            # What it said of cookies and service workers is only said here.
            seen.click(".kinds button", "Headers")
            seen.find(".headers td", "session=stolen")
            self.assertEqual(seen.driver.get_cookies(), [])
            seen.click(".kinds button", "Body")
            seen.find(".answer pre", "<script>")

    def test_a_page_of_a_function_reaches_nothing(self):
        names = ["opener", "session", "api", "write", "worker", "frame"]
        session = register(browser.core, "eve@example.com")
        made = deploy(browser.core, session["token"], "hostile-page", page(names, browser.core.console), public=True)
        with Browser(browser.core) as seen:
            # Somebody is logged in, in the same browser, and the page is opened from there.
            seen.enter("login", "eve@example.com")
            seen.find(".row")
            first = seen.driver.current_window_handle
            seen.script("window.open(arguments[0])", browser.core.url + made["path"] + "/")
            seen.until("the page opens", lambda: len(seen.driver.window_handles) == 2)
            seen.driver.switch_to.window(next(each for each in seen.driver.window_handles if each != first))
            report = json.loads(seen.find("#report").text)
            # The page's own storage is there, and has nothing of the console's.
            self.assertEqual(report["got"], {"session": None})
            self.assertEqual(set(report["refused"]), set(names) - {"session"})

    def test_an_image_with_scripts_is_a_picture(self):
        svg = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><script>top.document.title='owned'</script><rect width='40' height='40'/></svg>"
        session = register(browser.core, "trudy@example.com")
        source = f"from invok import Response\n\n\ndef handler(request):\n    return Response({svg!r}, content_type='image/svg+xml')\n"
        deploy(browser.core, session["token"], "picture", source)
        with Browser(browser.core) as seen:
            seen.enter("login", "trudy@example.com")
            seen.open(f"function/{session['user']['uuid']}/picture/try")
            seen.click(".request .primary")
            image = seen.find(".rendered img")
            seen.until("the picture is shown", lambda: image.get_property("naturalWidth") == 40)
            self.assertNotIn("owned", seen.driver.title)

    def test_what_a_function_says_is_text_everywhere(self):
        evil = "<img src=x onerror=document.title='owned'>"
        session = register(browser.core, "oscar@example.com")
        source = f"def handler(request):\n    print({evil!r})\n    raise ValueError({evil!r})\n"
        deploy(browser.core, session["token"], "says-html", source)
        with Browser(browser.core) as seen:
            seen.enter("login", "oscar@example.com")
            seen.open(f"function/{session['user']['uuid']}/says-html/try")
            seen.click(".request .primary")
            self.assertEqual(seen.find(".answer .status").text, "500")
            seen.click(".tabs a", "Logs")
            seen.click(".line-button", "<img src=x")
            seen.find(".log-detail pre", evil)
            self.assertNotIn("owned", seen.driver.title)
            self.assertEqual(seen.errors(), [])



"""What people do with their functions, in a browser."""

import tempfile
import unittest
import zipfile

import browser
from browser import BROKEN, SOURCE, Browser, Keys, deploy, register


class Journey(unittest.TestCase):
    """What a newcomer does, from an account to a function's end."""

    def test_from_an_account_to_the_end_of_a_function(self):
        with Browser(browser.core) as page:
            page.enter("register", "ada@example.com")
            page.find("h2", "Your first function")
            self.write_and_mend(page)
            self.call(page)
            self.watch_the_log(page)
            self.roll_back(page)
            self.open_to_all(page)
            self.delete(page)
            page.click("button", "Log out")
            page.find("h1", "Log in")
            self.assertIsNone(page.script("return sessionStorage.getItem('invok.session')"))
            self.assertEqual(page.errors(), [])

    def write_and_mend(self, page):
        page.click("a", "Start with Python")
        page.find(".CodeMirror")
        page.name("first-one")
        page.write(BROKEN)
        self.assertEqual(page.deploy(), "Not deployed")
        page.find(".problem", "does not compile")
        self.assertIn("never closed", page.find(".wrong-text").text)
        line = page.script("return document.querySelector('.wrong-text').closest('.CodeMirror-linewidget').parentNode.innerText")
        self.assertIn("value = (1 +", line)
        page.write(SOURCE)
        self.assertRegex(page.deploy(), "Version")
        page.find(".answer pre", "answer one")
        page.write(SOURCE.replace("one", "two"))
        page.deploy()
        page.find(".answer pre", "answer two")

    def call(self, page):
        page.open("functions")
        page.find(".search input").send_keys("no such")
        page.find(".empty", "No function has")
        page.find(".search input").send_keys(Keys.CONTROL, "a")
        page.find(".search input").send_keys("FIRST")
        page.click(".row .name", "first-one")
        page.click("a", "Edit in the playground")
        page.until("the source is there", lambda: "answer two" in page.text(".CodeMirror"))
        page.driver.back()
        page.click(".tabs a", "Try it")
        page.find(".request input").send_keys("/some/path?q=1", Keys.ENTER)
        page.find(".answer pre", "answer two")
        self.assertEqual(page.find(".answer .status").text, "200")
        page.click(".kinds button", "Headers")
        page.find(".headers th", "Content-Type")

        page.click(".tabs a", "Overview")
        page.find(".figures dt", "Cold starts")
        self.assertRegex(page.find("svg.plot").get_attribute("aria-label"), r"^[1-9]\d* calls? and 0 errors")
        page.click(".usage button", "24 hours")
        page.find(".usage button[aria-pressed=true]", "24 hours")

    def watch_the_log(self, page):
        page.click(".tabs a", "Logs")
        page.find(".line", "saw GET /some/path")
        uuid = page.user()
        page.click("button", "Pause")
        browser.core.call("GET", f"/invok/{uuid}/first-one/held", page.token())
        page.find(".count", "held back")
        self.assertNotIn("/held", page.text(".log-frame"))
        page.click("button", "Go on")
        page.find(".line", "saw GET /held")
        page.find("input[placeholder^=Pattern]").send_keys("held$", Keys.ENTER)
        page.until("the pattern holds nothing back", lambda: "some/path" not in page.text(".log-frame"))
        page.click(".line-button", "/held")
        page.find(".log-detail pre", "saw GET /held")

    def roll_back(self, page):
        page.click(".tabs a", "Versions")
        active = page.find(".versions .active").text
        page.click(".version-head button", "Go to version")
        page.click("dialog .primary")
        page.gone("dialog")
        page.until("another is active", lambda: page.find(".versions .active").text != active)
        page.click(".tabs a", "Try it")
        page.click(".request .primary")
        page.find(".answer pre", "answer one")

    def open_to_all(self, page):
        page.click(".tabs a", "Settings")
        page.click("input[value=public]")
        page.click("form .primary", "Save")
        page.find(".badge", "Public")
        status, body = browser.core.call("GET", f"/invok/{page.user()}/first-one")
        self.assertEqual((status, body), (200, b"answer one\n"))
        field = page.find("#limit-memoryMB")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys("96", Keys.ENTER)
        page.find(".toast", "Saved; version")
        self.assertEqual(page.find("#limit-memoryMB").get_attribute("value"), "96")

    def delete(self, page):
        page.click(".danger-zone button")
        self.assertFalse(page.find("dialog .danger").is_enabled())
        page.find("#typed").send_keys("first-on")
        self.assertFalse(page.find("dialog .danger").is_enabled())
        page.find("#typed").send_keys("e", Keys.ENTER)
        page.find("h2", "Your first function")


class Beginnings(unittest.TestCase):
    def test_all_that_one_can_begin_with_answers(self):
        with Browser(browser.core) as page:
            page.enter("register", "gallery@example.com")
            page.open("playground")
            for runtime in ("python", "nodejs", "go"):
                for kind in ("hello", "json", "page", "stream", "image"):
                    with self.subTest(runtime=runtime, kind=kind):
                        self.begin(page, runtime, kind)

    def begin(self, page, runtime, kind):
        page.find(".CodeMirror")
        before = page.text(".CodeMirror")
        if page.find(".play-head select").get_property("value") != runtime:
            self.choose(page, 0, runtime)
            page.until("the other runtime comes", lambda: page.text(".CodeMirror") != before)
            before = page.text(".CodeMirror")
        if kind != "hello":
            self.choose(page, 1, kind)
            page.until("the other source comes", lambda: page.text(".CodeMirror") != before)
        page.name(f"{runtime}-{kind}")
        self.assertRegex(page.deploy(), "Version", page.text(".watch"))
        page.until("it answers", lambda: "first byte" in page.text(".answer-head"))
        self.assertEqual(page.text(".answer .status"), "200", page.text(".answer"))
        page.find({"page": "iframe.rendered", "image": ".rendered img"}.get(kind, ".answer pre"))
        if kind == "stream":
            self.assertIn("Lift-off", page.text(".answer pre"))
        self.assertEqual(page.errors(), [])

    def choose(self, page, place, value):
        page.script(
            """const field = document.querySelectorAll(".play-head select")[arguments[0]];
            field.value = arguments[1];
            field.dispatchEvent(new Event("change"));""", place, value)
        page.click("dialog .primary")
        page.gone("dialog")

    def test_the_archive_of_a_project_is_deployed(self):
        with tempfile.TemporaryDirectory() as folder, Browser(browser.core) as page:
            path = f"{folder}/project.zip"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("brought/config.json", '{"function_name": "brought-along", "runtime": "python"}')
                archive.writestr("brought/function.py", SOURCE)
                archive.writestr("brought/data/words.txt", "word " * 1000)
            page.enter("register", "archive@example.com")
            self.give(page, path)
            page.find("h1", "brought-along")
            page.open("functions")
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("function.py", SOURCE)
            self.give(page, path)
            page.find(".problem", "no config.json")
            self.assertEqual(page.errors(), [])

    def give(self, page, path):
        page.find(".drop")
        page.driver.find_element("css selector", ".drop input[accept]").send_keys(path)


class Tenants(unittest.TestCase):
    def test_nobody_sees_what_is_anothers(self):
        owner = register(browser.core, "owner@example.com")
        deploy(browser.core, owner["token"], "secret-one", SOURCE)
        with Browser(browser.core) as page:
            page.enter("register", "stranger@example.com")
            page.find("h2", "Your first function")
            page.open(f"function/{owner['user']['uuid']}/secret-one/logs")
            page.find(".problem", "no such function")
            self.assertNotIn("secret-one", page.text(".list-body"))
            self.assertEqual(page.errors(), [])

    def test_a_session_that_has_ended_asks_for_a_new_one_and_goes_on(self):
        register(browser.core, "ended@example.com")
        with Browser(browser.core) as page:
            page.enter("login", "ended@example.com")
            page.find("h2", "Your first function")
            page.driver.refresh()
            page.find("h2", "Your first function")
            page.script("sessionStorage.setItem('invok.session', JSON.stringify({...JSON.parse(sessionStorage.getItem('invok.session')), token: 'old'}))")
            page.open("playground")
            page.driver.refresh()
            page.find(".hint", "session has ended")
            page.find("#email").send_keys("ended@example.com")
            page.find("#password").send_keys("wrong horse", Keys.ENTER)
            page.find(".problem")
            page.find("#password").send_keys(Keys.CONTROL, "a")
            page.find("#password").send_keys("correct horse", Keys.ENTER)
            page.find(".playground")

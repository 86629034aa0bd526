"""The console by keyboard, with a screen reader, on a phone, in the dark, without CodeMirror."""

import unittest

import browser
from browser import BROKEN, LINES, SOURCE, THOUSAND, Browser, By, Keys, deploy, register


class Everybody(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        session = register(browser.core, "everybody@example.com")
        cls.uuid = session["user"]["uuid"]
        deploy(browser.core, session["token"], "seen-one", SOURCE)
        browser.core.call("GET", f"/invok/{cls.uuid}/seen-one", session["token"])

    def views(self):
        at = f"function/{self.uuid}/seen-one"
        return [
            ("functions", ".row"), (f"{at}/overview", ".facts"), (f"{at}/try", ".request"), (f"{at}/logs", ".line"),
            (f"{at}/versions", ".versions"), (f"{at}/settings", ".danger-zone"), ("playground", ".CodeMirror"),
        ]

    def check(self, page, what):
        page.script(open(browser.axe).read())
        found = page.driver.execute_async_script(
            """const done = arguments[0];
            axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
              .then((result) => done(result.violations.map((each) =>
                `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`)));""")
        self.assertEqual(found, [], what)

    def test_every_view_is_for_everybody(self):
        for dark in (False, True):
            with Browser(browser.core, dark=dark) as page:
                page.open("register")
                page.find("h1")
                self.check(page, "register")
                page.enter("login", "everybody@example.com")
                for place, mark in self.views():
                    page.open(place)
                    page.find(mark)
                    self.check(page, f"{place}, {'dark' if dark else 'light'}")
                    self.assertEqual(len(page.driver.find_elements(By.CSS_SELECTOR, "h1")), 1)
                self.assertEqual(page.errors(), [])

    def test_a_phone_shows_all_without_scrolling_aside(self):
        with Browser(browser.core, width=360, height=740, mobile=True) as page:
            page.enter("login", "everybody@example.com")
            for place, mark in self.views():
                page.open(place)
                page.find(mark)
                width = page.script("return document.scrollingElement.scrollWidth")
                self.assertLessEqual(width, 360, place)

    def test_the_keyboard_gets_into_the_editor_and_out_of_it(self):
        with Browser(browser.core) as page:
            page.enter("login", "everybody@example.com")
            page.open("playground")
            page.find(".CodeMirror")
            page.script("document.querySelector('.CodeMirror').CodeMirror.focus()")
            is_in = lambda: page.script("return Boolean(document.activeElement.closest('.CodeMirror'))")
            page.driver.switch_to.active_element.send_keys(Keys.TAB)
            self.assertTrue(is_in())
            page.driver.switch_to.active_element.send_keys(Keys.ESCAPE, Keys.TAB)
            self.assertFalse(is_in())

    def test_without_codemirror_there_is_a_text_field(self):
        with Browser(browser.core) as page:
            page.command("Network.enable")
            page.command("Network.setBlockedURLs", urls=["*/editor/*"])
            page.enter("login", "everybody@example.com")
            page.open("playground")
            page.find(".editor textarea")
            page.name("plain-one")
            page.write(BROKEN)
            page.deploy()
            page.click(".wrong-list button", "never closed")
            page.write(SOURCE)
            page.deploy()
            page.find(".answer pre", "answer one")

    def test_a_page_that_does_not_come_whole_says_so(self):
        with Browser(browser.core) as page:
            page.command("Network.enable")
            page.command("Network.setBlockedURLs", urls=["*/parts/shell.js"])
            page.open("login")
            page.find("[role=alert]", "could not be loaded")
            page.command("Network.setBlockedURLs", urls=[])
            page.click("button", "Load it again")
            page.find("#email")

    def elements(self, page):
        return page.script("return document.querySelector('virtual-list').childElementCount")

    def test_a_thousand_functions_have_elements_for_those_that_are_seen(self):
        with Browser(browser.core) as page:
            page.enter("login", "everybody@example.com")
            page.command("Page.addScriptToEvaluateOnNewDocument", source=THOUSAND)
            page.driver.refresh()
            page.find(".count", "1,000 functions")
            self.assertLess(self.elements(page), 60)
            page.script("scrollTo(0, 20000)")
            page.find(".row .name", "function-352")
            self.assertLess(self.elements(page), 60)
            page.find(".search input").send_keys("function-99")
            page.find(".count", "11 of 1,000")

    def test_a_hundred_thousand_lines_have_elements_for_those_that_are_seen(self):
        with Browser(browser.core) as page:
            page.enter("login", "everybody@example.com")
            page.command("Page.addScriptToEvaluateOnNewDocument", source=LINES)
            page.open(f"function/{self.uuid}/seen-one/logs")
            page.driver.refresh()
            page.find(".count", "100,000 lines")
            # It stays at the end as long as nobody scrolls away from it.
            page.find(".line", "line 100000 of many")
            page.script("document.querySelector('.log-frame').scrollTop = 24 * 50000")
            page.find(".line", "line 50001 of many")
            self.assertLess(self.elements(page), 60)
            self.assertEqual(page.errors(), [])

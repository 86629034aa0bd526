"""Pictures of the console's views. Arguments: the path of `invok-core`, and of the folder that they go to."""

import sys
from pathlib import Path

from browser import BROKEN, Browser, Core, Keys, deploy, register

HELLO = 'def handler(request):\n    return {"ok": True}\n'
RATES = '''import json
import logging
import random


def handler(request):
    """What one currency is worth in another."""
    wanted = request.query.get("in", "EUR")
    print(json.dumps({"level": "info", "wanted": wanted, "path": request.sub_path}))
    if request.sub_path == "/old":
        logging.warning("the rates of yesterday were asked for")
    return {"base": "CHF", "rates": {wanted: round(0.9 + random.random() / 10, 4)}}
'''
NODE = 'export default async () => Response.json({ ok: true });\n'


def furnish(core):
    session = register(core, "ada@example.com")
    token, uuid = session["token"], session["user"]["uuid"]
    for name, public in (("mail-receipts", False), ("resize-images", True), ("weekly-report", False)):
        deploy(core, token, name, HELLO, public)
    deploy(core, token, "github-webhook", NODE, True, "nodejs")
    deploy(core, token, "exchange-rates", RATES.replace("/ 10", "/ 12"))
    deploy(core, token, "exchange-rates", RATES, True)
    for path in ["?in=USD", "/latest?in=GBP", "/old", "/latest?in=JPY", "?in=USD", "/old"]:
        core.call("GET", f"/invok/{uuid}/exchange-rates{path}", token)
    return uuid


def main(executable, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    core = Core(executable)
    try:
        uuid = furnish(core)
        at = f"function/{uuid}/exchange-rates"

        def picture(page, name):
            page.script("document.activeElement.blur(); document.querySelector('.toasts')?.replaceChildren()")
            (folder / f"{name}.png").write_bytes(page.driver.get_screenshot_as_png())

        with Browser(core, 1280, 800) as page:
            page.open("login")
            page.find("#email")
            picture(page, "login")
            page.enter("login", "ada@example.com")
            page.find(".row", "weekly-report")
            picture(page, "functions")
            for tab, mark in (("overview", ".facts"), ("versions", ".versions"), ("settings", ".danger-zone")):
                page.open(f"{at}/{tab}")
                page.find(mark)
                page.until("it knows what runs", lambda: "…" not in page.text(".facts dd"))
                picture(page, tab)
            page.open(f"{at}/try")
            page.find(".request input").send_keys("/latest?in=USD", Keys.ENTER)
            page.find(".answer pre", "USD")
            picture(page, "try")
            page.open("playground/new/nodejs")
            page.find(".CodeMirror")
            page.name("hello-page")
            page.script(
                "const kind = document.querySelectorAll('.play-head select')[1]; kind.value = 'page';"
                "kind.dispatchEvent(new Event('change'))")
            page.click("dialog .primary")
            page.until("the page's source comes", lambda: "escape(new URL" in page.text(".CodeMirror"))
            page.deploy()
            frame = page.find("iframe.rendered")
            page.driver.switch_to.frame(frame)
            page.find("h1", "Hello")
            page.driver.switch_to.default_content()
            picture(page, "playground")
        with Browser(core, 1280, 800, dark=True) as page:
            page.enter("login", "ada@example.com")
            page.find(".row")
            page.open(f"{at}/logs")
            page.find(".line", "yesterday")
            picture(page, "logs-dark")
            page.open("playground/new/python")
            page.find(".CodeMirror")
            page.name("mend-me")
            page.write(BROKEN)
            page.deploy()
            page.find(".wrong-text")
            picture(page, "error-dark")
        with Browser(core, 390, 780, mobile=True) as page:
            page.enter("login", "ada@example.com")
            page.find(".row", "weekly-report")
            picture(page, "phone")
    finally:
        core.end()


if __name__ == "__main__":
    main(*sys.argv[1:])

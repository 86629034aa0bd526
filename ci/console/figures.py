"""The console's figures of docs/benchmarks.md, as a table. Argument: the path of a release build of `invok-core`."""

import json
import statistics
import sys
from pathlib import Path

from browser import LINES, SOURCE, THOUSAND, Browser, Core, deploy, register

ROUNDS = 5
WATCH = """
globalThis.seen = {long: [], shift: 0, rows: 0};
new PerformanceObserver((list) => list.getEntries().forEach((each) => seen.long.push(each.duration)))
  .observe({type: "longtask", buffered: true});
new PerformanceObserver((list) => list.getEntries().forEach((each) => { if (!each.hadRecentInput) seen.shift += each.value; }))
  .observe({type: "layout-shift", buffered: true});
new MutationObserver((_, observer) => {
  if (!document.querySelector(".row")) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { seen.rows = performance.now(); }));
}).observe(document, {childList: true, subtree: true});
"""
DEPLOY = """
const [marker, done] = arguments;
const began = performance.now();
const look = () => {
  if (!document.querySelector(".answer pre")?.innerText.includes(marker)) return;
  observer.disconnect();
  done(performance.now() - began);
};
const observer = new MutationObserver(look);
observer.observe(document.body, {childList: true, subtree: true, characterData: true});
document.querySelector("#name").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true}));
"""


def first_view(core, extra=""):
    """One load of the list with a cold cache: bytes over the wire, and what the page has seen."""
    with Browser(core) as page:
        page.enter("login", "figures@example.com")
        page.find(".row")
        page.command("Network.enable")
        page.command("Network.clearBrowserCache")
        page.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH + extra)
        if extra:
            page.command("Emulation.setCPUThrottlingRate", rate=4)
        page.driver.get_log("performance")
        page.driver.refresh()
        page.until("the rows come", lambda: page.script("return globalThis.seen?.rows"))
        if extra:
            for place in range(0, 40_000, 2_000):
                page.driver.execute_async_script(
                    "scrollTo(0, arguments[0]); requestAnimationFrame(() => requestAnimationFrame(arguments[1]))", place)
        seen = page.script("return seen")
        sizes = [
            event["params"]["encodedDataLength"]
            for event in (json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance"))
            if event["method"] == "Network.loadingFinished"
        ]
    return sum(sizes), seen


def lines(core, session):
    """The longest task while a log of a hundred thousand lines is scrolled."""
    with Browser(core) as page:
        page.enter("login", "figures@example.com")
        page.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH + LINES)
        page.open(f"function/{session['user']['uuid']}/first-one/logs")
        page.driver.refresh()
        page.until("the lines come", lambda: "100,000 lines" in page.text(".count"))
        page.command("Emulation.setCPUThrottlingRate", rate=4)
        page.script("seen.long = []")
        for place in range(0, 2_400_000, 60_000):
            page.driver.execute_async_script(
                "document.querySelector('.log-frame').scrollTop = arguments[0];"
                "requestAnimationFrame(() => requestAnimationFrame(arguments[1]))", place)
        return page.script("return seen.long")


def longest(tasks):
    return f"{max(tasks):.0f} ms" if tasks else "none over 50 ms"


def deploys(core):
    """From the key press to the answer on the page, in milliseconds."""
    with Browser(core) as page:
        page.enter("login", "figures@example.com")
        page.open("playground/new/python")
        page.find(".CodeMirror")
        page.name("deployed-here")
        times = []
        for number in range(ROUNDS + 1):
            page.write(SOURCE.replace("answer one", f"answer {number} of all"))
            times.append(page.driver.execute_async_script(DEPLOY, f"answer {number} of all"))
    # The first one has more to do, and is what a newcomer sees.
    return times[0], statistics.median(times[1:])


def main(executable):
    core = Core(executable)
    try:
        session = register(core, "figures@example.com")
        deploy(core, session["token"], "first-one", SOURCE)
        views = [first_view(core) for _ in range(ROUNDS)]
        _, many = first_view(core, THOUSAND)
        log = lines(core, session)
        first, later = deploys(core)
    finally:
        core.end()
    web = Path(__file__).resolve().parents[2] / "Sources/InvokConsole/Web"
    embedded = sum(file.stat().st_size for file in web.rglob("*") if file.is_file())
    rows = [
        ("first view, cold cache, all over the wire", "< 150 kB", f"{max(bytes for bytes, _ in views) / 1000:.0f} kB"),
        (f"first view, cold cache, until its rows are painted, median of {ROUNDS}", "< 0.5 s",
         f"{statistics.median(seen['rows'] for _, seen in views) / 1000:.2f} s"),
        ("layout shift of it", "0", f"{max(seen['shift'] for _, seen in views):.3f}"),
        ("longest task with 1,000 functions, loading and scrolling, processor 4 × slower", "< 50 ms",
         longest(many["long"])),
        ("longest task with 100,000 lines of a log, scrolling, processor 4 × slower", "< 50 ms", longest(log)),
        ("key press to the answer on the page, Python, first deploy", "< 1 s", f"{first / 1000:.2f} s"),
        (f"the same of the next ones, median of {ROUNDS}", "< 1 s", f"{later / 1000:.2f} s"),
        ("what the program has of it, uncompressed", "< 2 MB", f"{embedded / 1000:.0f} kB"),
    ]
    print("| figure | goal | here |\n| --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main(sys.argv[1])

"""Tests of the console in a browser. Arguments: the path of `invok-core`, and of axe.min.js; then unittest's own."""

import sys
import unittest

import browser

if __name__ == "__main__":
    browser.core, browser.axe = browser.Core(sys.argv[1]), sys.argv[2]
    names = sys.argv[3:] or ["test_journey", "test_everybody", "test_hostile"]
    try:
        tests = unittest.defaultTestLoader.loadTestsFromNames(names)
        result = unittest.TextTestRunner(verbosity=2).run(tests)
    finally:
        browser.core.end()
    sys.exit(not result.wasSuccessful() or result.testsRun == 0)

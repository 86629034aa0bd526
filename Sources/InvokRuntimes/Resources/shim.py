"""Starts a Python function: this script is small because Python compiles it anew at each start."""

import sys

FOLDER = sys.path[0]
BUNDLE = FOLDER.rpartition("/")[0] or "/"
# The function's own files first, then its vendored packages; Invok's modules are last but for the standard library.
sys.path[0:1] = [BUNDLE, BUNDLE + "/vendor", FOLDER]
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(line_buffering=True, errors="backslashreplace")

import invok_server  # noqa: E402

invok_server.main()

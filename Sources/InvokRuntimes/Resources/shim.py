"""Starts a Python function: this script is small because Python compiles it anew at each start.

Processes that multiprocessing starts anew (spawn, forkserver) run it too, as `__mp_main__`, and shall find modules as
this one does, but serve nothing.
"""

import builtins
import sys

FOLDER = __file__.rpartition("/")[0]
BUNDLE = FOLDER.rpartition("/")[0] or "/"


def leave(code=None):
    """What `exit` and `quit` are in a Python that has not left out the module `site`."""
    raise SystemExit(code)


builtins.exit = builtins.quit = leave
if FOLDER not in sys.path or __name__ == "__main__":
    # The function's own files first, then its vendored packages and those that were installed for it; Invok's modules are
    # last but for the standard library.
    sys.path[0:1] = [BUNDLE, BUNDLE + "/vendor", FOLDER + "/packages", FOLDER]

import invok_output  # noqa: E402

invok_output.install()
if __name__ == "__main__":
    import invok_server

    invok_server.main(BUNDLE)
else:
    import invok_entry

    invok_entry.prepare(BUNDLE)

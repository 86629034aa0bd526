"""Checks and byte-compiles a Python function. Prints a line that starts with 'invok: ' when it cannot be deployed.

Runs in Python's isolated mode (-I): a module of the project that is named like one of the standard library's is data
here, and never imported.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import invok_check  # noqa: E402

PACKAGES = "vendor"


def fail(sentence):
    print("invok: " + sentence)
    sys.exit(1)


def compile_all():
    """Writes caches that hold whatever the files' times, since bundles are copied and read-only."""
    import py_compile

    broken = 0
    for folder, folders, files in os.walk("."):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in sorted(files):
            path = os.path.normpath(os.path.join(folder, name))
            if not name.endswith(".py"):
                continue
            try:
                py_compile.compile(
                    path, dfile=None, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
                )
            except py_compile.PyCompileError as error:
                # Packages may carry files for other versions of Python, which nobody imports.
                if not path.startswith(PACKAGES + os.sep) and "site-packages" not in path:
                    print(error.msg.rstrip())
                    broken += 1
            except OSError as error:
                print(f"{path}: {error}")
    if broken:
        fail("the function does not compile" if broken == 1 else f"{broken} files do not compile")


compile_all()
if sentence := invok_check.lacking(os.environ.get("INVOK_ENTRY")):
    fail(sentence)

"""Finds the function of a bundle: the module, and what in it is called."""

import _frozen_importlib_external  # What importlib.util gives on, without its cost.
import os
import sys

NAMES = ("handler", "app", "application", "lambda_handler")


def parse(text):
    """(path, symbol or None) of what `entry` in config.json says, by which the build and the start go."""
    path, _, symbol = (text or "function.py").partition(":")
    while path.startswith("./"):
        path = path[2:]
    return path, symbol or None


def module_name(path):
    """What the file is imported as: by its path, so that imports relative to it work."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts) if all(part.isidentifier() for part in parts) else "_".join(
        "".join(c if c.isidentifier() or c.isdigit() else "_" for c in part) for part in parts)  # fmt: skip


class Finder:
    """Finds the function's module where Python itself would not find it, or not as a package."""

    def __init__(self, name, file):
        self.name = name
        self.file = file

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        # As a package, the file may import its neighbours relatively.
        return _frozen_importlib_external.spec_from_file_location(
            name, self.file, submodule_search_locations=[os.path.dirname(self.file)]
        )


def prepare(bundle):
    """Has Python find the function's module, here and in processes that unpickle what is in it.

    Returns its name and the symbol that is called, if one is named."""
    path, symbol = parse(os.environ.get("INVOK_ENTRY"))
    name, file = module_name(path), f"{bundle}/{path}"
    folder = os.path.dirname(file)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # As Python does for a script.
    if "/" not in path and is_relative(file) or name.replace(".", "/") + ".py" != path:
        sys.meta_path.insert(0, Finder(name, file))
    return name, symbol


def is_relative(file):
    try:
        with open(file, "rb") as source:
            return b"from ." in source.read()
    except OSError:
        return False


def find(bundle):
    """Imports the function's module. Returns (what is called, its name), or (None, what is lacking)."""
    name, symbol = prepare(bundle)
    __import__(name)
    module = sys.modules[name]
    for candidate in (symbol,) if symbol else NAMES:
        target = module
        for part in candidate.split("."):
            target = getattr(target, part, None)
        if target is not None:
            return target, candidate
    return None, symbol

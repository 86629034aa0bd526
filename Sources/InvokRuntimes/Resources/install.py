"""Installs the packages that a Python function asks for and its archive does not bring along, by pip.

Asks by requirements.txt, or else by the dependencies of pyproject.toml. Prints a line that starts with 'invok: ' when it
cannot be done. What a version, a marker or a wheel's tag means is said by pip's own `packaging` (PEP 440, 508, 425).
Runs in Python's isolated mode (-I), so that no module of the project is imported.
"""

import codecs
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys

FILE = "requirements.txt"
PROJECT = "pyproject.toml"
VENDOR = "vendor"
OUTPUT = "packages"
HERE = ".".join(map(str, sys.version_info[:2]))


def fail(sentence):
    print("invok: " + sentence)
    sys.exit(1)


if importlib.util.find_spec("pip") is None:
    fail("this server's Python has no pip, which reads requirements.txt; its operator can install it (python3-pip)")

try:
    from pip._vendor.packaging import requirements as pep508
    from pip._vendor.packaging import tags, utils
except ImportError:  # a distribution's pip may use the package as it is
    from packaging import requirements as pep508
    from packaging import tags, utils


def vendored():
    """What the archive brings along: version (None where unknown) by canonical name."""
    with open(os.path.join(os.path.dirname(__file__), "vendored"), encoding="utf-8") as file:
        names = [name[:-3] if name.endswith(".py") else name for name in file.read().splitlines()]
    found = {utils.canonicalize_name(name): None for name in names if "." not in name}
    for distribution in importlib.metadata.distributions(path=[".", VENDOR]):
        if distribution.metadata["Name"]:
            found[utils.canonicalize_name(distribution.metadata["Name"])] = distribution.version
    return found


def read(path):
    """A text, in UTF-8 or as its byte-order mark says: PowerShell's '>' writes UTF-16."""
    with open(path, "rb") as file:
        data = file.read()
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{path} is not UTF-8 text; save it as that")


def lines(path):
    """The requirements of a file and of those that it includes, without options."""
    for line in re.sub(r"\\\r?\n", " ", read(path)).splitlines():
        line = re.split(r"(?:^|\s)#", line)[0].strip()
        include = re.fullmatch(r"(?:-r|--requirement)[ =]?\s*(\S+)", line)
        if include:
            target = os.path.normpath(os.path.join(os.path.dirname(path), include[1]))
            if not os.path.isfile(target):
                fail(f"{path} includes '{include[1]}', which is not in the archive")
            yield from lines(target)
        elif line and not (line.startswith("-") and not line.startswith(("-e", "--editable"))):
            yield re.split(r"\s--", line)[0].strip()


def dependencies():
    """The dependencies of pyproject.toml (PEP 621), or None where it declares none."""
    try:
        import tomllib
    except ImportError:
        from pip._vendor import tomli as tomllib
    try:
        project = tomllib.loads(read(PROJECT))
    except ValueError as error:
        fail(f"{PROJECT} is not TOML: {error}")
    table = project.get("project", {})
    if "dependencies" in table.get("dynamic", []) or ("dependencies" not in table and "poetry" in project.get("tool", {})):
        fail(f"{PROJECT} does not list its dependencies in [project]; export them, as with 'poetry export -o {FILE}'")
    return table.get("dependencies")


def asked():
    """(text, requirement) of all that is asked for here; the requirement is None where pip alone can say what it is."""
    texts = list(lines(FILE)) if os.path.isfile(FILE) else []
    if not texts and os.path.isfile(PROJECT):
        texts = dependencies() or []
    for text in texts:
        if re.match(r"(?:(?:-e|--editable)\s+)?(?:[\w.\[\],-]+\s*@\s*)?(?:git|hg|svn|bzr|https?|ftp)(?:\+\w+)?:", text):
            fail(
                f"'{text}' names an address, and builds on this server reach package registries alone; ask for the package "
                f"by its name, or put its folder or wheel beside the function and write the path"
            )
        try:
            requirement = pep508.Requirement(text)
        except pep508.InvalidRequirement:
            if not re.match(r"[./-]|\w+\+?\w*://", text) and not text.endswith((".whl", ".zip", ".tar.gz")):
                fail(f"the requirement '{text}' is none that pip can read (PEP 508)")
            requirement = None
        if requirement is None or requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield text, requirement


def check_platform():
    """What is bundled was made for a machine and a version of Python: is it this one?"""
    usable = set(tags.sys_tags())
    for distribution in importlib.metadata.distributions(path=[".", VENDOR]):
        wheel = distribution.read_text("WHEEL") or ""
        made = [line.partition(":")[2].strip() for line in wheel.splitlines() if line.startswith("Tag:")]
        if made and not any(usable & tags.parse_tag(tag) for tag in made):
            platform = next((tag.platform for tag in tags.sys_tags() if tag.platform.startswith("manylinux2014")), None)
            platform = platform or next(iter(tags.sys_tags())).platform
            fail(
                f"the archive's {distribution.metadata['Name']} {distribution.version} is made for {', '.join(made)}, "
                f"and this server runs Python {HERE} on {platform}; deploy without it, so that the server installs it by "
                f"{FILE}, or run 'pip install --target {VENDOR} --upgrade --platform {platform} --python-version {HERE} "
                f"--only-binary=:all: -r {FILE}'"
            )


def lacking(have):
    """The texts of what has to be installed."""
    for text, requirement in asked():
        name = requirement and utils.canonicalize_name(requirement.name)
        if name not in have:
            yield text
        elif have[name] is not None and not requirement.specifier.contains(have[name], prereleases=True):
            fail(
                f"{FILE} asks for {text}, but the archive has {requirement.name} {have[name]}; "
                f"run 'pip install --target {VENDOR} --upgrade -r {FILE}', or deploy without it"
            )


def adopt(path):
    """Has a requirement file, and those that it includes, say what holds here: the registries are those of this server, and
    what is installed is a copy of what lies in the project."""
    text = read(path)
    adopted = []
    for line in text.splitlines():
        option = re.match(r"\s*(-i|--index-url|--extra-index-url|--trusted-host)\b", line)
        if option:
            print(f"{path}: '{line.strip()}' is passed over: builds use the registries of this server", flush=True)
        included = re.match(r"\s*(?:-r|--requirement)[ =]?\s*(\S+)", line)
        if included:
            adopt(os.path.normpath(os.path.join(os.path.dirname(path), included[1])))
        # Lines keep their numbers, which pip names.
        adopted.append("" if option else re.sub(r"^\s*(-e|--editable)[ =]\s*", "", line))
    if adopted != text.splitlines():
        os.remove(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(adopted) + "\n")


def install(texts):
    is_file = os.path.isfile(FILE) and any(lines(FILE))
    if not os.environ.get("INVOK_REGISTRIES"):
        names = f"-r {FILE}" if is_file else " ".join(f"'{text}'" for text in texts)
        fail(
            f"{FILE if is_file else PROJECT} asks for {', '.join(texts)}, and builds on this server reach no package registry; "
            f"run \"pip install --target {VENDOR} {names}\" and deploy with the {VENDOR} folder"
        )
    asked_by = FILE
    if is_file:
        adopt(FILE)
    else:
        asked_by = "/tmp/invok-requirements.txt"
        with open(asked_by, "w", encoding="utf-8") as file:
            file.write("\n".join(texts) + "\n")
    # Compiled below, by caches that hold whatever the files' times.
    command = [sys.executable, "-I", "-B", "-m", "pip", "install", "--target", OUTPUT, "--no-compile", "-r", asked_by]
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(status)
    # Programs for a shell, which begin with the path of this build's Python.
    shutil.rmtree(os.path.join(OUTPUT, "bin"), ignore_errors=True)
    import compileall
    import py_compile

    compileall.compile_dir(
        OUTPUT, quiet=2, maxlevels=40, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


check_platform()
wanted = list(lacking(vendored()))
if wanted:
    install(wanted)

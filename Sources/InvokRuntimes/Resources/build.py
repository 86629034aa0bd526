"""Checks and byte-compiles a Python function. Prints a line that starts with 'invok: ' when it cannot be deployed.

Runs in Python's isolated mode (-I): a module of the project that is named like one of the standard library's is data
here, and never imported.
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import invok_check  # noqa: E402

PACKAGES = "vendor"


def fail(sentence):
    print("invok: " + sentence)
    sys.exit(1)


def normalized(name):
    return re.sub(r"[-_.]+", "_", name).lower()


def vendored():
    """What lies beside the function or in vendor/: version (None where unknown) by normalized name."""
    found = {}
    for folder in (".", PACKAGES):
        for entry in os.listdir(folder) if os.path.isdir(folder) else []:
            information = re.fullmatch(r"(.+?)-([^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info", entry)
            if information:
                found[normalized(information[1])] = information[2]
            elif os.path.isdir(os.path.join(folder, entry)) or entry.endswith(".py"):
                found.setdefault(normalized(entry[:-3] if entry.endswith(".py") else entry), None)
    return found


def requirements(path):
    """The (name, exact version or None) pairs of a requirements file and those that it includes."""
    with open(path, encoding="utf-8-sig") as file:
        text = file.read().replace("\\\n", " ")
    for line in text.splitlines():
        line = re.split(r"(?:^|\s)#", line)[0].strip()
        include = re.fullmatch(r"(?:-r|--requirement)[ =]?\s*(\S+)", line)
        if include:
            target = os.path.join(os.path.dirname(path), include[1])
            if not os.path.isfile(target):
                fail(f"{path} includes '{include[1]}', which is not in the archive")
            yield from requirements(target)
        elif line and not line.startswith("-") and applies(line):
            name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
            if not name:
                fail(f"{path} has the line '{line}', which does not name a package")
            exact = re.search(r"===?\s*([^\s,;*]+)(?:[\s;]|$)", line.split(";")[0])
            yield name[0], exact[1] if exact else None


def applies(line):
    """Whether a requirement's environment marker can hold here. Markers that are not understood count as holding."""
    marker = line.partition(";")[2].strip()
    platform = re.fullmatch(r"""(?:sys_platform|platform_system)\s*(==|!=)\s*["'](\w+)["']""", marker)
    if platform:
        return (platform[2].lower() == "linux") == (platform[1] == "==")
    version = re.fullmatch(r"""python_version\s*(<|<=|>|>=|==)\s*["'](\d+)\.(\d+)["']""", marker)
    if version:
        here, there = sys.version_info[:2], (int(version[2]), int(version[3]))
        return {"<": here < there, "<=": here <= there, ">": here > there, ">=": here >= there, "==": here == there}[
            version[1]
        ]
    return True


def check_requirements():
    if not os.path.isfile("requirements.txt"):
        return
    have = vendored()
    lacking = []
    for name, version in requirements("requirements.txt"):
        if normalized(name) not in have:
            lacking.append(name)
        elif version and have[normalized(name)] not in (None, version):
            fail(
                f"requirements.txt asks for {name} {version}, but the archive has {have[normalized(name)]}; "
                f"run 'pip install --target {PACKAGES} --upgrade -r requirements.txt' and deploy again"
            )
    if lacking:
        fail(
            f"requirements.txt asks for {', '.join(lacking)}, and dependencies cannot be fetched during a build; "
            f"run 'pip install --target {PACKAGES} -r requirements.txt' and deploy with the {PACKAGES} folder"
        )


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
check_requirements()
if sentence := invok_check.lacking(os.environ.get("INVOK_ENTRY")):
    fail(sentence)

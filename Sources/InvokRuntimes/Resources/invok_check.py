"""Says at deploy, from the source alone, why a function could not be served: nothing of it is run."""

import ast

from invok_entry import NAMES, parse

NOTHING = "neither 'def handler(request)' nor a WSGI or ASGI 'app'"


def lacking(entry):
    """A sentence for the function's author, or None."""
    path, symbol = parse(entry)
    if not path.endswith(".py"):
        return f"entry in config.json names '{path}', which is no Python source"
    with open(path, "rb") as file:
        source = file.read()
    tree = ast.parse(source)
    return relative(tree, path) or unserved(tree, path, symbol) or listening(tree, path)


def relative(tree, path):
    """Imports that lead out of the project: the file's folder is a package, and its folders are packages of that."""
    depth = max(1, path.count("/"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level > depth:
            dots, module = "." * node.level, node.module or ""
            return (
                f"{path} has the relative import 'from {dots}{module} import …', which leads out of the project; "
                f"write 'from {module or '…'} import …'"
            )
    return None


# What starts a server and does not come back.
SERVERS = ("uvicorn.run", "hypercorn.run", "waitress.serve", "serve", "web.run_app", "run_simple", "serving.run_simple")


def listening(tree, path):
    """A server that the file itself starts, when it is imported: it would take a port, and the import never end."""
    own = {f"{name}.run" for name in NAMES}
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = ast.unparse(node.value.func)
            if call in own or call in SERVERS:
                return (
                    f"{path} starts a server of its own when it is imported ('{call}' in line {node.lineno}), and Invok calls "
                    f"the app itself; put that line below 'if __name__ == \"__main__\":'"
                )
    return None


def unserved(tree, path, symbol):
    names = compile(tree, path, "exec", dont_inherit=True).co_names
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)):
        names += NAMES
    definitions = {node.name: node for node in tree.body if isinstance(node, DEFINITION)}
    if symbol:
        name = symbol.partition(".")[0]
        return None if name in names else f"{path} has no '{name}', which entry in config.json names"
    for name in NAMES:
        if name in names:
            return name in definitions and foreign(name, definitions[name], path) or None
    for name, node in definitions.items():
        if sentence := foreign(name, node, path):
            return sentence
    for name, node in definitions.items():
        if not isinstance(node, ast.ClassDef) and arguments(node) in (["event", "context"], ["request"], ["req"]):
            return f"{path} has {NOTHING}; if it is '{name}', say so in config.json: \"entry\": \"{path}:{name}\""
    return f"{path} has {NOTHING}"


DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def arguments(node):
    """The names of the arguments that must be given."""
    given = node.args.posonlyargs + node.args.args
    return [argument.arg for argument in given[: len(given) - len(node.args.defaults)]]


def foreign(name, node, path):
    """Why a definition of another platform's kind is none of Invok's, and what to write instead; None for one that is."""
    write = "write 'def handler(request)', which returns str, bytes, a dict or (body, status, headers)"
    if isinstance(node, ast.ClassDef):
        if any("HTTPRequestHandler" in ast.unparse(base) for base in node.bases):
            return f"{path} has a class '{name}' as Vercel serves it; {write}, or a WSGI 'app'"
        return f"'{name}' in {path} is a class; {write}" if name in ("handler", "lambda_handler") else None
    if any("functions_framework" in ast.unparse(each) for each in node.decorator_list):
        return (
            f"'{name}' in {path} is a function of the Functions Framework, which takes Flask's request; {write}, "
            f"or serve it as an app, with functions-framework among the packages: a file app.py with 'import "
            f"functions_framework' and 'app = functions_framework.create_app(\"{name}\", \"{path}\")', and "
            f'"entry": "app.py" in config.json'
        )
    given = [argument.arg for argument in node.args.posonlyargs + node.args.args]
    if given[:2] == ["ctx", "data"]:
        return f"'{name}' in {path} is a function of Fn, which takes (ctx, data); {write}: its body is request.body"
    if name == "main" and any(each.annotation and "HttpRequest" in ast.unparse(each.annotation) for each in node.args.args):
        return f"'{name}' in {path} is a function of Azure, which takes its HttpRequest; {write}"
    if name == "handle" and len(given) in (1, 2):
        return f"'{name}' in {path} is a function of OpenFaaS; {write}: its body is request.body"
    if name == "main" and given == ["args"]:
        return f"'{name}' in {path} is a function of OpenWhisk, which takes a dict; {write}"
    if name == "handler" and not (given or node.args.vararg):
        return f"'{name}' in {path} takes no argument; {write}"
    return None

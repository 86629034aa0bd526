"""Cases of `ci/field.py`: frameworks and packages of Python, from the machine's own registry."""

from field_lib import LARGE, PYTHON, expect

# MARK: Frameworks of Python. Each answers "A" to GET /a.

FRAMEWORKS = {
    "bottle": ("import bottle\napp = bottle.Bottle()\n@app.get('/a')\ndef a(): return 'A'\n", ["bottle"]),
    "blacksheep": (
        "from blacksheep import Application, get\napp = Application()\n@get('/a')\ndef a(): return 'A'\n", ["blacksheep"]),
    "dash": (
        "from dash import Dash, html\ndash = Dash(__name__)\ndash.layout = html.Div('x')\napp = dash.server\n"
        "@app.get('/a')\ndef a(): return 'A'\n", ["dash"]),
    "falcon": (
        "import falcon\nclass A:\n    def on_get(self, request, response): response.text = 'A'\n"
        "app = falcon.App()\napp.add_route('/a', A())\n", ["falcon"]),
    "falcon-asgi": (
        "import falcon.asgi\nclass A:\n    async def on_get(self, request, response): response.text = 'A'\n"
        "app = falcon.asgi.App()\napp.add_route('/a', A())\n", ["falcon"]),
    "flask-factory": (
        "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    app.get('/a')(lambda: 'A')\n"
        "    return app\n", ["flask"]),
    "litestar": (
        "from litestar import Litestar, get\n@get('/a', media_type='text/plain')\nasync def a() -> str: return 'A'\n"
        "app = Litestar([a])\n", ["litestar"]),
    "pyramid": (
        "from pyramid.config import Configurator\nfrom pyramid.response import Response\nwith Configurator() as made:\n"
        "    made.add_route('a', '/a')\n    made.add_view(lambda request: Response('A'), route_name='a')\n"
        "    app = made.make_wsgi_app()\n", ["pyramid", "setuptools<81"]),
    "quart": ("from quart import Quart\napp = Quart(__name__)\n@app.get('/a')\nasync def a(): return 'A'\n", ["quart"]),
    "sanic": (
        "from sanic import Sanic, text\napp = Sanic('x')\n@app.get('/a')\nasync def a(request): return text('A')\n", ["sanic"]),
    "mangum": (
        "from fastapi import FastAPI\nfrom mangum import Mangum\napi = FastAPI()\n@api.get('/a')\ndef a(): return 'A'\n"
        "handler = Mangum(api)\n", ["fastapi", "mangum"]),
    "serverless-wsgi": (
        "import serverless_wsgi\nfrom flask import Flask\napi = Flask(__name__)\n@api.get('/a')\ndef a(): return 'A'\n"
        "def handler(event, context): return serverless_wsgi.handle_request(api, event, context)\n",
        ["flask", "serverless-wsgi"]),
    "powertools": (
        "from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver\napi = LambdaFunctionUrlResolver()\n"
        "@api.get('/a')\ndef a(): return 'A'\ndef lambda_handler(event, context): return api.resolve(event, context)\n",
        ["aws-lambda-powertools"]),
}


def case_frameworks(person):
    for name, (code, packages) in FRAMEWORKS.items():
        entry = {"entry": "function.py:create_app"} if name == "flask-factory" else {}
        person.deploy(name, "python", {PYTHON: code}, requirements=packages, **LARGE, **entry)
        person.answers(name, "/a", "A")


def case_flask(person):
    code = """
from flask import Flask, Response, redirect, request, session, stream_with_context, url_for
app = Flask(__name__)
app.secret_key = "key"
@app.get("/")
def root(): return redirect(url_for("count"))
@app.get("/raw")
def raw(): return redirect("/count")
@app.get("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return f"count {session['count']}"
@app.get("/slash/")
def slash(): return "slash"
@app.post("/upload")
def upload():
    file = request.files["file"]
    return f"{file.filename} {len(file.read())}"
@app.get("/stream")
def stream(): return Response(stream_with_context(f"line {n}\\n" for n in range(3)), mimetype="text/plain")
"""
    person.deploy("flask", "python", {PYTHON: code}, requirements=["flask"])
    for path in ("", "/raw"):
        person.answers("flask", path, "count 1")
    person.answers("flask", "/slash", "slash")
    person.answers("flask", "/stream", "line 0\nline 1\nline 2\n")
    cookie = person.call("flask", "/count")[2]["Set-Cookie"]
    expect(f"Path={person.path('flask')}" in cookie, cookie)
    person.answers("flask", "/count", "count 2", headers={"Cookie": cookie.partition(";")[0]})
    form = b'--y\r\nContent-Disposition: form-data; name="file"; filename="a \xc3\xbc.bin"\r\n\r\n' + bytes(3_000_000)
    form += b"\r\n--y--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=y"}
    person.answers("flask", "/upload", "a ü.bin 3000000", method="POST", body=form, headers=headers)


def case_fastapi(person):
    code = """
from contextlib import asynccontextmanager
from fastapi import BackgroundTasks, FastAPI, File, Request, UploadFile
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
@asynccontextmanager
async def lifespan(app):
    print("started")
    yield {"from": "lifespan"}
app = FastAPI(lifespan=lifespan)
app.mount("/static", StaticFiles(directory="static"), name="static")
@app.get("/")
def root(): return RedirectResponse("/docs")
@app.get("/state")
def state(request: Request, tasks: BackgroundTasks):
    tasks.add_task(print, "in the background")
    return request.state._state
@app.get("/items/")
def items(request: Request): return str(request.url_for("state"))
@app.post("/upload")
async def upload(file: UploadFile = File()): return f"{file.filename} {len(await file.read())}"
@app.get("/stream")
async def stream():
    async def parts():
        for n in range(3): yield f"part {n} "
    return StreamingResponse(parts())
"""
    files = {PYTHON: code, "static/a.txt": "a static file"}
    person.deploy("fastapi", "python", files, requirements=["fastapi", "python-multipart"], **LARGE)
    person.answers("fastapi", "", person.path("fastapi", "/openapi.json"))
    person.answers("fastapi", "/state", '{"from":"lifespan"}')
    person.answers("fastapi", "/items", person.path("fastapi", "/state"))
    person.answers("fastapi", "/static/a.txt", "a static file")
    person.answers("fastapi", "/stream", "part 0 part 1 part 2")
    form = b'--y\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(100_000) + b"\r\n--y--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=y"}
    person.answers("fastapi", "/upload", "a 100000", method="POST", body=form, headers=headers)
    for words in ("started", "in the background"):
        person.awaits_log("fastapi", words)


def case_native_packages(person):
    for package, code, text in [
        ("numpy", "import numpy\ndef handler(request): return str(numpy.ones((300, 300)).dot(numpy.ones((300, 300))).sum())", "27000000"),
        ("pillow", "from PIL import Image\ndef handler(request): return str(Image.new('RGB', (2, 3)).size)", "(2, 3)"),
        ("cryptography", "from cryptography.fernet import Fernet\ndef handler(request): return str(len(Fernet.generate_key()))", "44"),
        ("docopt==0.6.2", "import docopt\ndef handler(request): return docopt.__version__", "0.6.2"),  # from its source
    ]:
        person.deploy("native", "python", {PYTHON: code}, requirements=[package], **LARGE)
        person.answers("native", "", text)

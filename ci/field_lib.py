"""What the cases of `ci/field.py` are made of: a person who deploys and calls, and archives."""

import io
import json
import time
import urllib.parse
import zipfile

from bench_lib import Failed

PYTHON = "function.py"
NODE = "function.js"
GO = "function.go"
# What imports much takes more than the usual memory.
LARGE = {"limits": {"memoryMB": 256}}


def expect(condition, *seen):
    if not condition:
        raise Failed(" ".join(map(repr, seen))[:600])


class Person:
    """An account on the server."""

    def __init__(self, core):
        self.core = core
        self.namespace, self.headers = core.register()

    def path(self, name, rest=""):
        return f"/invok/{self.namespace}/{name}{rest}"

    def upload(self, name, archive):
        body = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}.zip"\r\n\r\n'.encode()
        status, text, _ = self.core.call(
            "POST", "/invok/deploy", body + archive + b"\r\n--x--\r\n",
            self.headers | {"Content-Type": "multipart/form-data; boundary=x"})
        return status, json.loads(text)

    def deploy(self, name, runtime, files, modes=None, requirements=(), **config):
        """Deploys a function, which has to succeed."""
        files = dict(files)
        if requirements:
            files["requirements.txt"] = "\n".join(requirements) + "\n"
        files["config.json"] = json.dumps({"function_name": name, "runtime": runtime, "access": "public"} | config)
        status, answer = self.upload(name, zipped(files, modes or {}))
        expect(status == 200, answer.get("detail"), (answer.get("build_log") or "")[-400:])

    def call(self, name, rest="", method="GET", body=None, headers=None):
        """The status, the text and the header fields of an answer, after redirects on this server."""
        path = self.path(name, rest)
        for _ in range(5):
            status, data, fields = self.core.call(method, path, body, headers)
            if status not in (301, 302, 303, 307, 308):
                break
            path = urllib.parse.urljoin(path, urllib.parse.urlsplit(fields["Location"])._replace(scheme="", netloc="").geturl())
        return status, data.decode("utf-8", "replace"), fields

    def answers(self, name, rest, text, status=200, **more):
        seen = self.call(name, rest, **more)
        expect(seen[0] == status and text in seen[1], name, rest, seen[0], seen[1][:300])

    def log(self, name):
        path = f"/api/v1/functions/{self.namespace}/{name}/logs?limit=10000"
        return self.core.expect("GET", path, headers=self.headers).decode()

    def awaits_log(self, name, text):
        for _ in range(50):
            if text in self.log(name):
                return
            time.sleep(0.1)
        raise Failed(f"the log of {name} has no {text!r}: {self.log(name)[-500:]}")


def zipped(files, modes):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as archive_file:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.external_attr = modes.get(name, 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive_file.writestr(info, content)
    return archive.getvalue()

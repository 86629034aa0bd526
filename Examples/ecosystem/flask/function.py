from flask import Flask, redirect, render_template, request, session, url_for

app = Flask(__name__)
# From `env` of config.json in earnest; it signs the cookie below.
app.secret_key = "an example's"


@app.get("/")
def notes():
    return render_template("notes.html", notes=session.get("notes", []))


@app.post("/notes")
def add():
    session["notes"] = session.get("notes", []) + [request.form["note"]]
    return redirect(url_for("notes"))

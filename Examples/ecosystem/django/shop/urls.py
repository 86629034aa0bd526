from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path


def form(request: HttpRequest) -> HttpResponse:
    return render(request, "form.html")


def greet(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("form")
    return HttpResponse(f"Hello, {request.POST['name']}!\n", content_type="text/plain; charset=utf-8")


urlpatterns = [path("", form, name="form"), path("greet/", greet, name="greet")]

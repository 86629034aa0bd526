def handler(request):
    """Answers every request for /hello-python and the paths below it."""
    return "Hello from hello-python!\n"

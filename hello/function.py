def handler(request):
    """Answers every request for /hello and the paths below it."""
    return "Hello from hello!\n"

# From `env` of config.json in earnest.
SECRET_KEY = "an example's"
DEBUG = False
# The server in front lets only its own names through.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["shop/templates"]}]
USE_TZ = True

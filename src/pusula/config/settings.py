"""Django's settings, derived from the home folder and the environment."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from pusula.config import home, proxies

PUSULA_HOME = home.path()
home.create(PUSULA_HOME)
PUSULA = home.company(PUSULA_HOME)
# Where mail goes: smtp://user:password@host:587?starttls=1, smtps://host:465, or unset: nowhere.
PUSULA_SMTP_URL = os.environ.get("PUSULA_SMTP_URL", "")
# Keys that sign mails in the application: "selector@domain=/path/to/key.pem", by spaces.
PUSULA_DKIM = os.environ.get("PUSULA_DKIM", "")
# Which provider serves which channel besides; see docs/channels.md.
PUSULA_CHANNELS = home.channels(PUSULA_HOME)
# Where the lake is: a folder, or an address in object storage (s3://bucket/lake).
PUSULA_LAKE = os.environ.get("PUSULA_LAKE_URL") or str(PUSULA_HOME / "lake")

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = home.secret(PUSULA_HOME)
DEBUG = False
# The public address is always answered: links in mails lead there.
ALLOWED_HOSTS = [
    *os.environ.get("PUSULA_HOSTS", "127.0.0.1,localhost,[::1]").split(","),
    str(urlsplit(PUSULA.public_url).hostname),
]
# Networks of the proxies in front, "127.0.0.1,10.0.0.0/8": only they are asked for whom they speak.
PUSULA_PROXIES = proxies.trusted()
CSRF_TRUSTED_ORIGINS = [
    *(origin for origin in os.environ.get("PUSULA_ORIGINS", "").split(",") if origin),
    PUSULA.public_url,
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "lucide",
    "pusula.profiles",
    "pusula.events",
    "pusula.orders",
    "pusula.consent",
    "pusula.segments",
    "pusula.rfm",
    "pusula.predict",
    "pusula.outbox",
    "pusula.campaigns",
    "pusula.journeys",
    "pusula.measurement.reports",
    "pusula.measurement.pilot",
    "pusula.pipeline",
    "pusula.sources",
    "pusula.destinations",
    "pusula.privacy",
    "pusula.api",
    "pusula.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pusula.web.middleware.SecurityHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "pusula.web.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "pusula.web.middleware.SpokenErrors",
]

ROOT_URLCONF = "pusula.config.urls"
ASGI_APPLICATION = "pusula.config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pusula.web.context.shell",
            ],
        },
    },
]

DATABASES = {"default": home.database(PUSULA_HOME), "log": home.log_database(PUSULA_HOME)}
DATABASE_ROUTERS = ["pusula.pipeline.router.LogRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PUSULA.public_url.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# A file larger than this never reaches memory whole; imports stream it to the home folder.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # a segment of a hundred conditions is one form
FILE_UPLOAD_TEMP_DIR = PUSULA_HOME / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)

LANGUAGE_CODE = PUSULA.language
LANGUAGES = [("tr", _("Turkish")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # wall times of the business zone are made by lib.clock alone

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]  # TLS ends at the proxy in front

"""The ASGI application that the web server loads."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pusula.config.settings")
application = get_asgi_application()

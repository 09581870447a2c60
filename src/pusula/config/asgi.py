"""The ASGI application that the web server loads."""

import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pusula.config.settings")
# Static files come through WhiteNoise in one small read each; nothing is streamed for long.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
application = get_asgi_application()

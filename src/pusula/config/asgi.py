"""The ASGI application that the web server loads: the tracking API, and Django for the rest."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pusula.config.settings")
# Static files come through WhiteNoise in one small read each; nothing is streamed for long.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
_django: Any = get_asgi_application()

from pusula.api.intake import paths  # noqa: E402 - these need Django's settings
from pusula.api.intake.app import Intake  # noqa: E402
from pusula.config import proxies  # noqa: E402
from pusula.web.bodies import BoundedBodies  # noqa: E402

_pages = BoundedBodies(_django)
_intake = Intake()
# The appender's thread waits this long for its turn after each statement: a tenth of the usual.
sys.setswitchinterval(0.0005)
# What is loaded now stays for ever and need not be searched for garbage; requests leave little of
# it, and what is under way is searched less often than every 700 objects.
gc.freeze()
gc.set_threshold(20_000, 10, 10)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request."""
    scope = proxies.seen_through(scope, settings.PUSULA_PROXIES)
    is_tracking = scope["type"] == "http" and paths.find(scope["path"]) is not None
    await (_intake if is_tracking else _pages)(scope, receive, send)

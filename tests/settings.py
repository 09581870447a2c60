"""The product's settings in a home folder of the tests' own, read before anything else is."""

import os
import tempfile

os.environ["PUSULA_HOME"] = tempfile.mkdtemp(prefix="pusula-test-home-")
for name in ("PUSULA_SMTP_URL", "PUSULA_PUBLIC_URL"):
    os.environ.pop(name, None)

from pusula.config.settings import *  # noqa: E402, F403

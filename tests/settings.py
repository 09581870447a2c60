"""The product's settings in a home folder of the tests' own, read before anything else is."""

import atexit
import os
import shutil
import tempfile

os.environ["PUSULA_HOME"] = tempfile.mkdtemp(prefix="pusula-test-home-")
atexit.register(shutil.rmtree, os.environ["PUSULA_HOME"], ignore_errors=True)
for name in ("PUSULA_SMTP_URL", "PUSULA_PUBLIC_URL"):
    os.environ.pop(name, None)

from pusula.config.settings import *  # noqa: E402, F403

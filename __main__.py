"""The program: settings in, stack out."""

import gc

# The program lives for seconds: looking for garbage while the SDK's classes load is a tenth of its time.
gc.disable()

from components import settings, stack  # noqa: E402
from components.preflight import checks  # noqa: E402

chosen = settings.load()
checks.check(chosen)
stack.build(chosen)

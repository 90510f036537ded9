"""The program: settings in, stack out."""

import gc

# The program lives for seconds: looking for garbage while the SDK's classes load is a tenth of its time.
gc.disable()

from components import settings, stack  # noqa: E402

stack.build(settings.load())

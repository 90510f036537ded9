"""The program: settings in, stack out."""

from components import settings, stack

stack.build(settings.load())

"""Errors whose message is all that a user needs to see."""


class DeliveryError(Exception):
    """Something that the user can put right; the message says what and how."""

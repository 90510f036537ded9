"""Certificates of the servers in the images: made where none is given, taken over anew where a given one changes."""

"""The Website controller at scale, against a script that creates the same children directly."""

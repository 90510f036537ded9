"""Judges what a change does, by a table of kinds and fields."""

from delivery.consequences.judge import judge, rules_of
from delivery.consequences.model import Consequence, Finding, Kind, Rule, Source, Verdict

__all__ = ["Consequence", "Finding", "Kind", "Rule", "Source", "Verdict", "judge", "rules_of"]

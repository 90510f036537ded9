"""What a change will do: report, guard, drift and environments. The program never imports it."""

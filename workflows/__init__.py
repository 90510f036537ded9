"""What the workflows of .github/ run, where it is more than a command. The standard library is enough for it."""

#!/usr/bin/env bash
# Rolls the stack $PULUMI_STACK out: reports, checks what the merged pull request approved since $BASE, updates to just that.
set -euo pipefail
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
python=.venv/bin/python

"$python" -m delivery report --markdown "$out/report.md" --json "$out/report.json"
cat "$out/report.md" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
"$python" -m delivery check --report "$out/report.json" --approvals "approvals/$PULUMI_STACK.yaml" --base "$BASE"
"$python" -m delivery up --reviewed "$out/report.json"

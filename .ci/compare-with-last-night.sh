#!/bin/sh
# compare-with-last-night.sh ARTIFACT: this run beside the one of the last night that kept reports under this name.
# Exit code 1 where a requirement came out worse. Nothing to compare with is said and is no failure.
set -eu
summary="${GITHUB_STEP_SUMMARY:-/dev/stdout}"
before=
if command -v gh > /dev/null; then
  for night in $(gh run list --workflow nightly.yml --branch "$GITHUB_REF_NAME" --status completed --limit 7 \
    --json databaseId --jq '.[].databaseId'); do
    rm -rf last-night
    if gh run download "$night" --name "$1" --dir last-night 2> /dev/null; then
      before=$(find last-night -name judgements.json | head -n 1)
      [ -z "$before" ] || break
    fi
  done
fi
if [ -z "$before" ]; then
  echo "No earlier night to compare with." >> "$summary"
  exit 0
fi
after=$(find reports/runs -name judgements.json | head -n 1)
.venv/bin/conformance compare "$(dirname "$before")" "$(dirname "$after")" --format markdown --gate >> "$summary"

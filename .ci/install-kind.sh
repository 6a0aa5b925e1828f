#!/bin/sh
# Puts kind, pinned as in clusters/versions.yaml, where the steps that follow find it (KIND). Linux on amd64.
set -eu
version=v0.30.0
sha256=517ab7fc89ddeed5fa65abf71530d90648d9638ef0c4cde22c2c11f8097b8889
place="$RUNNER_TEMP/kind-$version"
curl --fail --silent --show-error --location --output "$place" \
  "https://github.com/kubernetes-sigs/kind/releases/download/$version/kind-linux-amd64"
echo "$sha256  $place" | sha256sum --check
chmod +x "$place"
echo "KIND=$place" >> "$GITHUB_ENV"

#!/usr/bin/env bash
# Puts a built program with its manual, completions, units and licences into one archive, and its checksum beside it.
#   deploy/package.sh target/dist/tradewind x86_64-unknown-linux-gnu [folder for the archive]
set -euo pipefail
program=$(realpath "${1:?which program}")
target=${2:?for which machine}
out=$(mkdir -p "${3:-dist}" && realpath "${3:-dist}")
cd "$(dirname "$0")/.."

version=$("$program" --version | awk '{print $2}')
name=tradewind-$version-$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/$name

install -D -m 0755 "$program" "$root/bin/tradewind"
install -d "$root/share/completions" "$root/share/doc"
"$program" man --to "$root/share/man/man1"
for shell in bash zsh fish; do
  "$program" completions $shell > "$root/share/completions/tradewind.$shell"
done
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE config.toml "$root/share/doc/"
cp -r docs "$root/share/doc/docs"
cp -r deploy "$root/deploy"
rm -rf "$root/deploy/secrets" "$root/deploy/.env"

tar --sort=name --owner=0 --group=0 --numeric-owner -C "$work" -czf "$out/$name.tar.gz" "$name"
(cd "$out" && sha256sum "$name.tar.gz" > "$name.tar.gz.sha256")
echo "$out/$name.tar.gz"

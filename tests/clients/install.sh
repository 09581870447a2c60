#!/bin/sh
# Installs the clients of others that the tests send with, where npm is at hand; says so where not.
cd "$(dirname "$0")" || exit 1
installed=node_modules/.package-lock.json

[ -e "$installed" ] && [ ! package-lock.json -nt "$installed" ] && exit 0
if command -v npm >/dev/null 2>&1; then
	echo "Installing the clients that the tests send with ..."
	npm ci --ignore-scripts --silent >/dev/null 2>&1 && touch "$installed" && exit 0
fi
echo "Not installed: the clients of others (npm ci in tests/clients). The tests with them are skipped."

#!/bin/sh
# Installs the Debian packages that the tests use, where that is possible; says what is missing
# where it is not. The tests that need a missing program skip and name it.
set -u

missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
{ [ -n "${JAVA_HOME:-}" ] || command -v java >/dev/null 2>&1; } || missing="$missing default-jre-headless"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "Installing Debian packages for the tests:$missing ..."
	if apt-get update -qq >/dev/null 2>&1 &&
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1; then
		exit 0
	fi
fi
echo "Not installed:$missing. The tests that need them are skipped; on Debian: apt-get install$missing"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: demo.sh RECORDCTL
# The main job, on loopback: two stores, a real data set, edits on both sides without a network,
# one sync, and a third store built from the exported journal. At the end all three are equal.
set -euo pipefail

recordctl=$1
fixtures=$(dirname "$0")/../Fixtures
unicode=/usr/share/unicode/UnicodeData.txt
folder=$(mktemp -d)
server=
unset "${!RECORDCTL_@}"

finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap finish EXIT

tell() { printf '\n%s\n' "$*"; }

# Shows a command as it would be typed, and runs it.
run() {
  local word line='  $ recordctl'
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_/.:,=-]*) line+=" '$word'" ;;
      *) line+=" $word" ;;
    esac
  done
  printf '%s\n' "$line"
  "$recordctl" "$@" --quiet
}

# The same, and shows in one line what it did.
show() {
  run "$@" --output jsonl | sed '/^  \$/!s/^/    /'
}

# Starts serving a store on a free port; sets $server and $peer.
serve() {
  # There before it is looked into: the shell behind the & makes it when it gets to run.
  : >"$folder/serve.log"
  "$recordctl" serve --store "$1" --listen 127.0.0.1:0 2>>"$folder/serve.log" &
  server=$!
  for _ in $(seq 600); do
    peer=$(sed -nE 's/.*(http:\/\/127\.0\.0\.1:[0-9]+).*/\1/p' "$folder/serve.log" | head -n 1)
    if [ -n "$peer" ]; then return; fi
    sleep 0.1
  done
  cat "$folder/serve.log"
  exit 1
}

stop() {
  kill -TERM "$server"
  wait "$server"
  server=
}

cp "$fixtures/countries.csv" "$folder"
recordctl=$(realpath "$recordctl")
cd "$folder"

tell "1. The office keeps the countries and the characters of the world."
run init --store office.store
show import countries.csv --collection countries --key alpha2 --store office.store
if [ -r "$unicode" ]; then
  columns=code,name,category,combining,bidirectional,decomposition,decimal,digit,numeric
  columns=$columns,mirrored,oldName,comment,uppercase,lowercase,titlecase
  show import "$unicode" --collection characters --format csv --delimiter ';' \
    --columns "$columns" --key code --store office.store
else
  tell "   (UnicodeData.txt is not installed: the countries must do)"
fi

tell "2. The ship takes it all aboard, over HTTP on loopback."
run init --store ship.store
serve office.store
show sync "$peer" --store ship.store
stop

tell "3. At sea there is no network. Both sides go on working, also on the same record."
run put ports NOSVG '{"name": "Stavanger", "berths": 14}' --store office.store
run put ports DEHAM '{"name": "Hamburg", "pilot": false}' --store office.store
run delete countries AQ --store office.store
sleep 0.01
run put ports DEHAM '{"name": "Hamburg", "pilot": true}' --store ship.store
run put voyages 2031 '{"from": "DEHAM", "to": "NOSVG", "crew": ["Ada", "Edsger"]}' \
  --key-type integer --store ship.store

tell "4. Back in port: one sync, both ways. The last word on Hamburg was the ship's."
serve office.store
show sync "$peer" --store ship.store
stop
show get ports DEHAM --store office.store

tell "5. The ship's journal, replayed on an empty store, is the archive."
run journal export -o ship.journal --store ship.store
run init --store archive.store
show journal replay ship.journal --store archive.store

tell "6. Are they equal? The exports are compared byte for byte."
for name in office ship archive; do
  "$recordctl" check --store "$name.store" --quiet
  "$recordctl" export --store "$name.store" -o "$name.jsonl" --quiet
  printf '    %-8s %8s records  sha256 %s\n' "$name" "$(wc -l <"$name.jsonl")" \
    "$(sha256sum "$name.jsonl" | cut -c 1-16)"
done
cmp office.jsonl ship.jsonl
cmp office.jsonl archive.jsonl

tell "all equal"

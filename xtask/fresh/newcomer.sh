#!/bin/sh
# The newcomer's way through the README, on a machine that has Rust, a C compiler and git, and nothing else.
# It runs in a Debian of its own (xtask/src/fresh.rs); the clone is in $HOME/plenary.
set -eu
cd "$HOME/plenary"

say() { printf '\n#### %s\n' "$*"; }

say "cargo xtask run"
out=$HOME/run.out
cargo xtask run >"$out" &
server=$!
until grep -q '^Stop with Ctrl+C' "$out"; do
	kill -0 "$server" 2>/dev/null || { echo "cargo xtask run ended before the server was ready" >&2; exit 1; }
	sleep 1
done
cat "$out"
# Everything that follows uses what was printed for people.
url=$(awk '$1 == "node-1" { print $2 }' "$out")
admin=$(awk '/\(administrator\)/ { print $1 }' "$out")
PLENARY_PASSWORD=$(awk '/\(administrator\)/ { print $2 }' "$out")
export PLENARY_PASSWORD

say "signing in at $url as $admin"
cargo run --quiet -p plenaryctl -- --url "$url" login --login "$admin"
cargo run --quiet -p plenaryctl -- status
cargo run --quiet -p plenaryctl -- user list
curl --fail --silent --show-error "$url/" >"$HOME/page.html"
grep -q 'id="root"' "$HOME/page.html" || { echo "the page at $url is not the application" >&2; exit 1; }
kill -TERM "$server"
wait "$server" || { echo "the server did not end well: $?" >&2; exit 1; }

say "cargo xtask test"
cargo xtask test
say "both commands work"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the wake-up protocol of the queues with the model checker spin: every
# interleaving of every variant of wakeup.pml. The protocols must have no error. In
# each negative control a wake-up must be lost (an invalid end state), or else the
# model could not see one. One line a variant. Exit status: 0 if all are as they
# must be, 1 if one is not, 2 if the search could not be made.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for tool in spin gcc; do
	if ! command -v "$tool" >/dev/null; then
		echo "run.sh: $tool is missing; on Debian: apt-get install $tool" >&2
		exit 2
	fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# check NAME WANT DEFINES...: WANT is "holds", or "loses" for a control.
check() {
	local name=$1 want=$2 dir=$work/$1 got errors states
	shift 2
	mkdir "$dir"
	if ! (cd "$dir" && spin "$@" -a "$here/wakeup.pml" && gcc -O1 -w -DSAFETY -DNOFAIR -DCOLLAPSE -o pan pan.c) >"$dir/build" 2>&1; then
		cat "$dir/build" >&2
		echo "run.sh: $name could not be built" >&2
		exit 2
	fi
	(cd "$dir" && ./pan -m10000) >"$dir/out" 2>&1 || true
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$dir/out")
	states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' "$dir/out")
	if [[ -z $errors ]] || grep -qE 'search depth too small|out of memory' "$dir/out"; then
		cat "$dir/out" >&2
		echo "run.sh: the search of $name was not complete" >&2
		exit 2
	fi
	got=holds
	if [[ $errors != 0 ]]; then
		got=$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' "$dir/out")
		[[ $got == "invalid end state" ]] && got=loses
	fi
	if [[ $got == "$want" ]]; then
		printf 'ok    %-24s %s (%s states)\n' "$name" "$got" "$states"
	else
		printf 'WRONG %-24s %s, but should be: %s (%s states)\n' "$name" "$got" "$want" "$states"
		bad=1
	fi
}

check native                   holds
check native-word              holds -DWORD
check native-word-status       holds -DWORD -DSTATUS_LAST
check classic                  holds -DCLASSIC
check native-plain-publish     loses -DSTORE_PUT
check native-plain-arm         loses -DSTORE_ARM
check native-plain-both        loses -DSTORE_PUT -DSTORE_ARM
check native-word-plain-arm    loses -DWORD -DSTORE_ARM
check native-tail-word-status  loses -DWORD -DSTATUS_LAST -DTAILWORD
check shared-flag              loses -DFLAG
check classic-plain-write      loses -DCLASSIC -DSTORE_PUT
check classic-plain-read       loses -DCLASSIC -DSTORE_ARM

exit "$bad"

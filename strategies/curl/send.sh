#!/bin/sh
# Sends one order to Bridge:   BRIDGE_WEBHOOK=https://… ./send.sh buy INFY 10 [id]
# Without an id one is made and printed. After a broken connection, send the same line with that id: it cannot act twice.
set -eu

[ "$#" -ge 3 ] || { echo "usage: BRIDGE_WEBHOOK=https://… $0 buy|sell|close SYMBOL QUANTITY [ID]" >&2; exit 2; }
id=${4:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}
echo "id: $id" >&2

for value in "$1" "$2" "$3" "$id"; do
    case $value in
        '' | *[!A-Za-z0-9.:_-]*) echo "not a plain word or number: $value" >&2; exit 2 ;;
    esac
done

printf '{"action":"%s","symbol":"%s","quantity":"%s","signalId":"%s"}' "$1" "$2" "$3" "$id" |
    curl --silent --show-error --fail-with-body --max-time 10 \
        --header 'Content-Type: application/json' --data-binary @- "${BRIDGE_WEBHOOK:?set BRIDGE_WEBHOOK to the webhook address}"
echo

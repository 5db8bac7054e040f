#!/bin/sh
# A back end with curl: issues a token, sends a message, and asks what became of it.
#
#   KEY=$(cat data/provider.key) sh examples/curl.sh
set -eu
PUSH_URL=${PUSH_URL:-http://127.0.0.1:8080}

# Tries again after 429 and 503, as Retry-After says. The id below makes that safe: a message is stored once.
call() {
  curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused \
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' "$@"
}

# 1. A user has logged in on a device: the device gets this token.
call "$PUSH_URL/v1/tokens" -d '{"app": "chat", "device": "phone-1", "account": "ada"}' > token.json
token_id=$(sed 's/.*"tokenId":"\([^"]*\)".*/\1/' token.json)

# 2. Something has happened: the device is told, now or when it is back.
call "$PUSH_URL/v1/messages" -d '{
  "to": {"token": "'"$token_id"'"},
  "payload": {"text": "Your order is on its way"},
  "id": "order-1042-shipped",
  "ttl": 86400
}'
echo

# 3. Has it arrived?
call "$PUSH_URL/v1/messages/order-1042-shipped/status?token=$token_id"
echo

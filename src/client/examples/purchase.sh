#!/bin/sh
# purchase.sh: hands one purchase to tillpost with curl.
id=${1:-store-12/till-7/00042}
answer=$(curl --silent --max-time 2 --unix-socket "${TILLPOST_SOCKET:-/run/tillpost/tillpost.sock}" \
    --header 'Content-Type: application/json' --write-out '\n%{http_code}' --data @- http://tillpost/v1/track <<END
{"event": "Order Completed", "messageId": "$id",
 "properties": {"email": "jane@example.com", "order_id": "$id", "currency": "EUR", "value": 19.90,
  "products": [{"product_id": "SKU-1", "name": "Running shoe", "price": 19.90, "quantity": 1}]}}
END
) || { echo "no answer"; exit 75; }
echo "$answer" | head -n 1
case $answer in
*200) exit 0 ;;
*503 | *507) exit 75 ;;
*) exit 65 ;;
esac

"""purchase.py: hands one purchase to tillpost; the standard library is enough."""
import http.client
import json
import os
import socket
import sys

SALE_WAITS_S = 2


class Till(http.client.HTTPConnection):
    """An HTTP connection over a Unix socket."""

    def __init__(self, path):
        super().__init__("tillpost", timeout=SALE_WAITS_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def main():
    sale = sys.argv[1] if len(sys.argv) > 1 else "store-12/till-7/00042"
    call = {
        "event": "Order Completed",
        "messageId": sale,
        "properties": {
            "email": "jane@example.com", "order_id": sale, "currency": "EUR",
            "value": "19.90",  # text keeps the digits; a float would do as well
            "products": [{"product_id": "SKU-1", "name": "Running shoe", "price": "19.90", "quantity": 1}],
        },
    }
    till = Till(os.environ.get("TILLPOST_SOCKET", "/run/tillpost/tillpost.sock"))
    try:
        till.request("POST", "/v1/track", json.dumps(call), {"Content-Type": "application/json"})
        reply = till.getresponse()
        print(reply.read().decode())
    except (OSError, http.client.HTTPException) as why:
        print("no answer:", why)
        return 75
    return 0 if reply.status == 200 else 75 if reply.status in (503, 507) else 65


sys.exit(main())

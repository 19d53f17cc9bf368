<?php
// purchase.php: hands one purchase to tillpost; no extension is needed.
const SALE_WAITS_S = 2;
$sale = $argv[1] ?? 'store-12/till-7/00042';
$call = json_encode([
    'event' => 'Order Completed',
    'messageId' => $sale,
    'properties' => [
        'email' => 'jane@example.com', 'order_id' => $sale, 'currency' => 'EUR', 'value' => '19.90',
        'products' => [['product_id' => 'SKU-1', 'name' => 'Running shoe', 'price' => '19.90', 'quantity' => 1]],
    ],
]);

$path = getenv('TILLPOST_SOCKET') ?: '/run/tillpost/tillpost.sock';
$till = @stream_socket_client('unix://' . $path, $code, $why, SALE_WAITS_S);
if (!$till) {
    echo "no answer: $why\n";
    exit(75);
}
stream_set_timeout($till, SALE_WAITS_S);
fwrite($till, "POST /v1/track HTTP/1.1\r\nHost: tillpost\r\nContent-Type: application/json\r\n"
    . 'Content-Length: ' . strlen($call) . "\r\nConnection: close\r\n\r\n" . $call);
$reply = stream_get_contents($till);
$status = (int) substr($reply, 9, 3);
echo $status ? substr($reply, strpos($reply, "\r\n\r\n") + 4) : 'no answer', "\n";
exit($status === 200 ? 0 : (in_array($status, [0, 503, 507], true) ? 75 : 65));

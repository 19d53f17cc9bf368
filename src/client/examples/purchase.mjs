// purchase.mjs: hands one purchase to tillpost; Node.js alone is enough.
import { request } from "node:http";

const SALE_WAITS_MS = 2000;
const sale = process.argv[2] ?? "store-12/till-7/00042";
const call = JSON.stringify({
  event: "Order Completed",
  messageId: sale,
  properties: {
    email: "jane@example.com", order_id: sale, currency: "EUR", value: 19.9,
    products: [{ product_id: "SKU-1", name: "Running shoe", price: 19.9, quantity: 1 }],
  },
});

const till = request({
  socketPath: process.env.TILLPOST_SOCKET ?? "/run/tillpost/tillpost.sock",
  method: "POST",
  path: "/v1/track",
  headers: { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(call) },
  signal: AbortSignal.timeout(SALE_WAITS_MS),
}, (reply) => {
  let text = "";
  reply.setEncoding("utf8");
  reply.on("data", (part) => { text += part; });
  reply.on("end", () => {
    console.log(text);
    process.exitCode = reply.statusCode === 200 ? 0 : [503, 507].includes(reply.statusCode) ? 75 : 65;
  });
});
till.on("error", (why) => {
  console.log("no answer:", why.message);
  process.exitCode = 75;
});
till.end(call);

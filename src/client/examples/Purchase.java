// Purchase.java: hands one purchase to tillpost. Java's HTTP client has no Unix sockets, so the request is written out.
import java.io.ByteArrayOutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

public class Purchase {
    static final long SALE_WAITS_MS = 2000;

    public static void main(String[] args) {
        String sale = args.length > 0 ? args[0] : "store-12/till-7/00042";
        String call = """
            {"event": "Order Completed", "messageId": "%1$s", "properties": {"email": "jane@example.com",
             "order_id": "%1$s", "currency": "EUR", "value": 19.90, "products": [{"product_id": "SKU-1",
             "name": "Running shoe", "price": 19.90, "quantity": 1}]}}""".formatted(sale);
        int status = 75;
        try {
            String reply = CompletableFuture.supplyAsync(() -> ask(call)).get(SALE_WAITS_MS, TimeUnit.MILLISECONDS);
            System.out.println(reply.substring(reply.indexOf("\r\n\r\n") + 4));
            String code = reply.substring(9, 12);
            status = code.equals("200") ? 0 : code.equals("503") || code.equals("507") ? 75 : 65;
        } catch (Exception why) {
            System.out.println("no answer: " + why);
        }
        System.exit(status);
    }

    /** One request on a connection of its own: the reply ends where the agent closes. */
    static String ask(String call) {
        String path = System.getenv().getOrDefault("TILLPOST_SOCKET", "/run/tillpost/tillpost.sock");
        byte[] body = call.getBytes(StandardCharsets.UTF_8);
        String head = "POST /v1/track HTTP/1.1\r\nHost: tillpost\r\nContent-Type: application/json\r\n"
            + "Content-Length: " + body.length + "\r\nConnection: close\r\n\r\n";
        try (SocketChannel till = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            till.connect(UnixDomainSocketAddress.of(path));
            write(till, head.getBytes(StandardCharsets.US_ASCII));
            write(till, body);
            ByteArrayOutputStream reply = new ByteArrayOutputStream();
            ByteBuffer part = ByteBuffer.allocate(4096);
            while (till.read(part.clear()) >= 0) reply.write(part.array(), 0, part.position());
            return reply.toString(StandardCharsets.UTF_8);
        } catch (java.io.IOException why) {
            throw new java.io.UncheckedIOException(why);
        }
    }

    static void write(SocketChannel till, byte[] bytes) throws java.io.IOException {
        for (ByteBuffer left = ByteBuffer.wrap(bytes); left.hasRemaining(); ) till.write(left);
    }
}

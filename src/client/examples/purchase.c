/* purchase.c: hands one purchase to tillpost with libtillpost. */
#include <tillpost/client.h>

#include <stdio.h>

enum { SALE_WAITS_MS = 2000, EXIT_WRONG = 65, EXIT_LATER = 75 };

int main(int argc, char **argv)
{
    const char *id = argc > 1 ? argv[1] : "store-12/till-7/00042";
    const struct tillpost_product shoe = {
        .id = "SKU-1", .name = "Running shoe", .price = {1990, 2}, .quantity = {1, 0}};
    struct tillpost_answer answer;
    struct tillpost *till = tillpost_open(NULL);
    struct tillpost_event *sale = tillpost_event_new("Order Completed");
    if (!till || !sale) return EXIT_LATER;

    tillpost_event_set(sale, TILLPOST_MESSAGE_ID, id);
    tillpost_event_set(sale, TILLPOST_ORDER_ID, id);
    tillpost_event_set(sale, TILLPOST_EMAIL, "jane@example.com");
    tillpost_event_set(sale, TILLPOST_CURRENCY, "EUR");
    tillpost_event_value(sale, (struct tillpost_decimal){1990, 2});
    tillpost_event_product(sale, &shoe);
    int result = tillpost_event_send(till, sale, SALE_WAITS_MS, &answer);

    printf("%s %s%s\n", tillpost_result_text(result), answer.event_id, answer.message);
    tillpost_event_free(sale);
    tillpost_close(till);
    return result >= 0 ? 0 : tillpost_again(result) ? EXIT_LATER : EXIT_WRONG;
}

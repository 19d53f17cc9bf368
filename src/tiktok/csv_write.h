/*
 * csv_write.h: a queued event as a row of the file that Events Manager takes.
 *
 * One row is one event and one line: `price` its value, `quantity` the sum of its contents',
 * product columns where there is exactly one content, people as hashes (the first e-mail address,
 * the first phone number), `transaction_category` always in-store.
 * An event has no such form when a row would say something else than the event does: a name that
 * the upload page does not list, no e-mail address and no phone number, limited_data_use, a number
 * that needs an exponent, a control character in a text, over CSV_RECORD_MAX_BYTES.
 *
 * Source: product contract, section 5; tiktok-api.md section 11 (columns, September 2025).
 */
#ifndef TIKTOK_CSV_WRITE_H
#define TIKTOK_CSV_WRITE_H

#include "base/text.h"

void tiktok_csv_write_header(struct buf *out); /* appended, without a line end */
/* event, rest: as struct tiktok_event has them. 1: out became the row, without a line end; 0: it has
 * no such form, and what out holds means nothing; NO_MEMORY. scratch is reset. */
int tiktok_csv_write(struct buf *out, struct arena *scratch, struct str event, int64_t time_ms,
                     struct str rest);

#endif

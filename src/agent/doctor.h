/*
 * doctor.h: looks at everything that stands between a sale and TikTok, one check after the other.
 *
 * Facts only: a code of the table and a detail (a path, a number, another's words); what a code
 * means and what to do is told by cli. A check gives at least one finding. Nothing is changed but a
 * small file in the state directory, which goes again; one probe is sent to TikTok.
 *
 * Owner: a finding's detail is in the finding. No secret and no personal data is in it.
 * Units: the network is given DOCTOR_PROBE_MS in all, so that a doctor is done within 15 s.
 */
#ifndef AGENT_DOCTOR_H
#define AGENT_DOCTOR_H

#include "base/fault.h"
#include "base/text.h"

enum {
    DOCTOR_PROBE_MS = 10 * 1000,
    DOCTOR_DETAIL_BYTES = FAULT_MESSAGE_MAX_BYTES,
    DOCTOR_FINDINGS_MAX = 8
};

/* clang-format off */
#define DOCTOR_CHECKS(X) \
  X(CONFIGURATION, "configuration") X(PERMISSIONS, "permissions") X(DISK,  "disk") \
  X(DATABASE,      "database")      X(SOCKET,      "socket")      X(CLOCK, "clock") \
  X(DNS,           "dns")           X(ROUTE,       "route")       X(PROXY, "proxy") \
  X(PORTAL,        "portal")        X(TLS,         "tls")         X(TIKTOK, "tiktok") \
  X(QUEUE,         "queue")

/*  name                 verdict   stable code */
#define DOCTOR_CODES(X) \
  X(FINE,                OK,       "ok") \
  X(NOT_CHECKED,         WARNING,  "not_checked") \
  X(CONFIG_MISSING,      FAILED,   "config_missing") \
  X(CONFIG_BROKEN,       FAILED,   "config_broken") \
  X(CONFIG_ODD,          WARNING,  "config_odd") \
  X(TOKEN_MISSING,       FAILED,   "token_missing") \
  X(TOKEN_EXPOSED,       FAILED,   "token_exposed") \
  X(TOKEN_UNREADABLE,    FAILED,   "token_unreadable") \
  X(TOKEN_ROOTS,         WARNING,  "token_roots") \
  X(TOKEN_MALFORMED,     FAILED,   "token_malformed") \
  X(NOT_THE_OWNER,       WARNING,  "not_the_owner") \
  X(STATE_MISSING,       FAILED,   "state_missing") \
  X(STATE_EXPOSED,       FAILED,   "state_exposed") \
  X(STATE_OWNER,         FAILED,   "state_owner") \
  X(STATE_UNWRITABLE,    FAILED,   "state_unwritable") \
  X(KEY_MISSING,         FAILED,   "key_missing") \
  X(KEY_UNREADABLE,      FAILED,   "key_unreadable") \
  X(KEY_MALFORMED,       FAILED,   "key_malformed") \
  X(IMPORT_FOLDER,       FAILED,   "import_folder") \
  X(DISK_FULL,           FAILED,   "disk_full") \
  X(DISK_LOW,            WARNING,  "disk_low") \
  X(DISK_READ_ONLY,      FAILED,   "disk_read_only") \
  X(DISK_FAILING,        FAILED,   "disk_failing") \
  X(DISK_SLOW,           WARNING,  "disk_slow") \
  X(DISK_IN_MEMORY,      WARNING,  "disk_in_memory") \
  X(DISK_REMOTE,         WARNING,  "disk_remote") \
  X(DATABASE_DAMAGED,    FAILED,   "database_damaged") \
  X(DATABASE_LOCKED,     FAILED,   "database_locked") \
  X(DATABASE_FAILING,    FAILED,   "database_failing") \
  X(AGENT_STOPPED,       FAILED,   "agent_stopped") \
  X(AGENT_SILENT,        FAILED,   "agent_silent") \
  X(SOCKET_DENIED,       FAILED,   "socket_denied") \
  X(SOCKET_MODE,         WARNING,  "socket_mode") \
  X(SOCKET_FOLDER,       WARNING,  "socket_folder") \
  X(LISTEN_TOKENS,       WARNING,  "listen_tokens") \
  X(CLOCK_WRONG,         FAILED,   "clock_wrong") \
  X(CLOCK_OFFSET,        WARNING,  "clock_offset") \
  X(CLOCK_RTC,           WARNING,  "clock_rtc") \
  X(DNS_FAILED,          FAILED,   "dns_failed") \
  X(ROUTE_NONE,          FAILED,   "route_none") \
  X(ROUTE_REFUSED,       FAILED,   "route_refused") \
  X(ROUTE_SILENT,        FAILED,   "route_silent") \
  X(ROUTE_CUT,           FAILED,   "route_cut") \
  X(PROXY_FAILED,        FAILED,   "proxy_failed") \
  X(PROXY_PASSWORD,      FAILED,   "proxy_password") \
  X(PORTAL_FOUND,        FAILED,   "portal_found") \
  X(TLS_UNTRUSTED,       FAILED,   "tls_untrusted") \
  X(TLS_UNFIT,           FAILED,   "tls_unfit") \
  X(TLS_EXPIRES_SOON,    WARNING,  "tls_expires_soon") \
  X(TLS_EXPIRED,         FAILED,   "tls_expired") \
  X(TLS_NOT_YET_VALID,   FAILED,   "tls_not_yet_valid") \
  X(TLS_WRONG_HOST,      FAILED,   "tls_wrong_host") \
  X(TLS_NO_CA,           FAILED,   "tls_no_ca") \
  X(TLS_FAILED,          FAILED,   "tls_failed") \
  X(TIKTOK_TOKEN,        FAILED,   "tiktok_token") \
  X(TIKTOK_ACCOUNT,      FAILED,   "tiktok_account") \
  X(TIKTOK_BUSY,         WARNING,  "tiktok_busy") \
  X(TIKTOK_UNWELL,       WARNING,  "tiktok_unwell") \
  X(QUEUE_PAUSED,        WARNING,  "queue_paused") \
  X(QUEUE_OLD,           WARNING,  "queue_old") \
  X(QUEUE_EXPIRING,      FAILED,   "queue_expiring") \
  X(QUEUE_FILLING,       WARNING,  "queue_filling") \
  X(QUEUE_FULL,          FAILED,   "queue_full") \
  X(DEAD_LETTERS,        WARNING,  "dead_letters")
/* clang-format on */

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };
enum doctor_check {
#define X(name, text) DOCTOR_CHECK_##name,
    DOCTOR_CHECKS(X)
#undef X
        DOCTOR_CHECK_COUNT
};
enum doctor_code {
#define X(name, verdict, text) DOCTOR_##name,
    DOCTOR_CODES(X)
#undef X
        DOCTOR_CODE_COUNT
};
extern const char *const doctor_check_names[DOCTOR_CHECK_COUNT];
extern const char *const doctor_code_names[DOCTOR_CODE_COUNT];
extern const enum doctor_verdict doctor_verdicts[DOCTOR_CODE_COUNT];

struct doctor_finding {
    enum doctor_code code;
    char detail[DOCTOR_DETAIL_BYTES];
};
struct doctor_findings { /* of one check */
    struct doctor_finding list[DOCTOR_FINDINGS_MAX];
    size_t count;
};

/* What the caller, who may use the socket, has heard of the running agent. */
struct doctor_agent {
    int err;           /* 0: it answered; UNAVAILABLE: none runs; DENIED; NETWORK: no answer */
    struct str status; /* its GET /v1/status; borrowed while the doctor is open */
};

struct doctor;
struct config;
/* Root becomes the owner of the state directory, for good. NO_MEMORY. */
int doctor_open(const char *config_file, const struct doctor_agent *agent, struct doctor **out);
void doctor_close(struct doctor *d);
/* In the order of the table. */
void doctor_look(struct doctor *d, enum doctor_check check, struct doctor_findings *out);
/* The configuration as far as it could be read, or NULL. */
const struct config *doctor_config(const struct doctor *d);

#endif

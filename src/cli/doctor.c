/*
 * doctor.c: what the doctor has found, in words; and the bundle for a helper who is far away.
 *
 * The agent is asked first, as root may: the doctor then becomes the agent's user and cannot go back,
 * which is also why the bundle's file is opened before.
 */
#include "agent/doctor.h"
#include "agent/build.h"
#include "base/times.h"
#include "cli/cli.h"
#include "cli/doctor_words.h"
#include "platform/platform.h"

#include <errno.h>
#include <string.h>

enum { ASK_MS = 2000, REPORT_MAX_BYTES = 64 * 1024, BUNDLE_MAX_BYTES = 1024 * 1024 };
#define LOG_HINT "journalctl -u tillpost --since -2d"

static const char *const verdict_names[] = {"ok", "warning", "failed"};

struct visit {
    struct cli *c;
    struct doctor_agent agent;
    struct client_reply status, metrics; /* of the agent, when it answers */
    struct buf report;                   /* [finding,…] */
    enum doctor_verdict worst;
};

/* The agent ----------------------------------------------------------------------------------- */

static int ask(struct client *client, const char *path, struct client_reply *reply)
{
    int rc = client_request(client, "GET", path, NULL, 0, reply);
    if (rc >= 0 && reply->status == 403) rc = TILLPOST_E_DENIED;
    if (rc >= 0 && reply->status != 200) rc = TILLPOST_E_NETWORK;
    return rc;
}

static void ask_agent(struct visit *v)
{
    struct client client;
    client_init(&client, cli_socket(v->c), ASK_MS);
    v->agent.err = ask(&client, "/v1/status", &v->status);
    if (v->agent.err >= 0) (void)ask(&client, "/metrics", &v->metrics);
    client_close(&client);
    if (v->agent.err < 0) return;
    v->agent.err = 0;
    v->agent.status = (struct str){v->status.body, v->status.len};
}

/* Findings ------------------------------------------------------------------------------------ */

static void write_finding(struct buf *out, enum doctor_check check, const struct doctor_finding *f)
{
    const struct doctor_words *w = &doctor_words[f->code];
    buf_printf(out, "%s{\"check\":\"%s\",\"verdict\":\"%s\",\"code\":\"%s\",\"message\":",
               out->len > 1 ? "," : "", doctor_check_names[check],
               verdict_names[doctor_verdicts[f->code]], doctor_code_names[f->code]);
    json_write_string(out, str_from(w->message));
    buf_add_z(out, ",\"detail\":");
    json_write_string(out, str_from(f->detail));
    buf_add_z(out, ",\"do\":");
    if (w->todo) json_write_string(out, str_from(w->todo));
    else buf_add_z(out, "null");
    buf_add_char(out, '}');
}

static void print_finding(enum doctor_check check, const struct doctor_finding *f)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    const struct doctor_words *w = &doctor_words[f->code];
    enum doctor_verdict verdict = doctor_verdicts[f->code];
    bool colour = cli_wants_colour();
    printf("%s%-8s%s %-13s ", colour ? colours[verdict] : "", verdict_names[verdict],
           colour ? "\033[0m" : "", doctor_check_names[check]);
    if (verdict == DOCTOR_OK) printf("%s\n", f->detail);
    else
        printf("%s%s%s (%s)\n", w->message, f->detail[0] ? ": " : "", f->detail,
               doctor_code_names[f->code]);
    if (w->todo) printf("%-8s %-13s Do: %s\n", "", "", w->todo);
    (void)fflush(stdout); /* the network may take its time */
}

static void look(struct visit *v, struct doctor *d)
{
    struct doctor_findings found;
    buf_add_char(&v->report, '[');
    for (int check = 0; check < DOCTOR_CHECK_COUNT; check++) {
        doctor_look(d, (enum doctor_check)check, &found);
        for (size_t i = 0; i < found.count; i++) {
            const struct doctor_finding *f = &found.list[i];
            if (doctor_verdicts[f->code] > v->worst) v->worst = doctor_verdicts[f->code];
            write_finding(&v->report, (enum doctor_check)check, f);
            if (!v->c->json) print_finding((enum doctor_check)check, f);
        }
    }
    buf_add_char(&v->report, ']');
}

/* The bundle ---------------------------------------------------------------------------------- */

static void write_bundle(const struct visit *v, const struct doctor *d, struct buf *out)
{
    char now[TIMES_TEXT_BYTES];
    const struct config *config = doctor_config(d);
    times_format(platform_wall_ms(), now);
    buf_printf(out, "{\"version\":\"%s\",\"libraries\":\"%s\",\"made_at\":\"%s\",\"logs\":\"%s\"",
               build_version(), build_libraries(), now, LOG_HINT);
    buf_printf(out, ",\"findings\":%s,\"config\":", v->report.p);
    if (config) config_write(config, out);
    else buf_add_z(out, "null");
    buf_printf(out, ",\"status\":%s,\"metrics\":", v->status.body ? v->status.body : "null");
    if (v->metrics.body) json_write_string(out, str_from(v->metrics.body));
    else buf_add_z(out, "null");
    buf_add_z(out, "}\n");
}

static int save_bundle(const struct visit *v, const struct doctor *d, FILE *file)
{
    struct buf out;
    buf_init(&out, BUNDLE_MAX_BYTES);
    write_bundle(v, d, &out);
    bool good = !out.failed && fwrite(out.p, 1, out.len, file) == out.len;
    buf_free(&out);
    if (fclose(file) == 0 && good) {
        fprintf(stderr, "tillpost: %s is written: no customer's data, token or key is in it\n",
                v->c->bundle);
        return EXIT_OK;
    }
    fprintf(stderr, "tillpost: %s cannot be written\n", v->c->bundle);
    return EXIT_IO;
}

/* The verb ------------------------------------------------------------------------------------ */

static int examine(struct visit *v, FILE *bundle)
{
    struct doctor *d = NULL;
    int status = EXIT_OK;
    ask_agent(v);
    if (doctor_open(config_path(v->c->config), &v->agent, &d) < 0)
        return tillpost_err_info(TILLPOST_E_NO_MEMORY)->exit;
    look(v, d);
    if (v->c->json)
        printf("{\"version\":\"%s\",\"verdict\":\"%s\",\"findings\":%s}\n", build_version(),
               verdict_names[v->worst], v->report.p);
    if (bundle) status = save_bundle(v, d, bundle);
    doctor_close(d);
    if (status != EXIT_OK) return status;
    return v->worst == DOCTOR_FAILED ? EXIT_PROBLEM : EXIT_OK;
}

int verb_doctor(struct cli *c)
{
    struct visit v = {.c = c};
    FILE *bundle = c->bundle ? fopen(c->bundle, "we") : NULL;
    if (c->bundle && !bundle) {
        fprintf(stderr, "tillpost: %s cannot be made: %s\n", c->bundle, strerror(errno));
        return EXIT_CANT_CREATE;
    }
    buf_init(&v.report, REPORT_MAX_BYTES);
    int status = examine(&v, bundle);
    buf_free(&v.report);
    client_reply_free(&v.status);
    client_reply_free(&v.metrics);
    return status;
}

/* check.c: the verbs that need no agent: check, run, version. */
#include "agent/build.h"
#include "agent/config.h"
#include "agent/run.h"
#include "cli/cli.h"

int verb_run(struct cli *c)
{
    return agent_run(config_path(c->config));
}

static void print_problem(const char *path, const struct config_problem *p)
{
    struct buf line;
    buf_init(&line, (size_t)8 * 1024);
    config_problem_text(path, p, &line);
    printf("%s\n", line.p ? line.p : "");
    buf_free(&line);
}

static void print_json(const char *path, const struct config_problems *ps)
{
    struct buf out;
    buf_init(&out, (size_t)256 * 1024);
    buf_printf(&out, "{\"ok\":%s,\"file\":", ps->errors ? "false" : "true");
    json_write_string(&out, str_from(path));
    buf_add_z(&out, ",\"problems\":[");
    for (size_t i = 0; i < ps->count; i++) {
        const struct config_problem *p = &ps->list[i];
        buf_printf(&out, "%s{\"line\":%u,\"warning\":%s,\"key\":", i ? "," : "", p->line,
                   p->warning ? "true" : "false");
        json_write_string(&out, str_from(p->key));
        buf_add_z(&out, ",\"message\":");
        json_write_string(&out, str_from(p->message));
        buf_add_char(&out, '}');
    }
    buf_add_z(&out, "]}");
    printf("%s\n", out.p ? out.p : "");
    buf_free(&out);
}

int verb_check(struct cli *c)
{
    static struct config_problems problems;
    const char *path = config_path(c->config);
    int rc = config_load(path, &c->loaded, &problems);
    if (c->json) {
        print_json(path, &problems);
        return rc < 0 ? EXIT_CONFIG : EXIT_OK;
    }
    for (size_t i = 0; i < problems.count; i++) print_problem(path, &problems.list[i]);
    if (rc >= 0) fprintf(stderr, "%s is right\n", path);
    else fprintf(stderr, "%s: %zu to mend\n", path, problems.errors);
    return rc < 0 ? EXIT_CONFIG : EXIT_OK;
}

int verb_version(struct cli *c)
{
    if (c->sbom) {
        for (const char *const *line = cli_sbom; *line; line++) puts(*line);
        return EXIT_OK;
    }
    if (c->json)
        printf("{\"version\":\"%s\",\"json\":%d,\"uplink\":\"%s\"}\n", build_version(),
               CLI_JSON_VERSION, build_libraries());
    else printf("tillpost %s (%s)\n", build_version(), build_libraries());
    return EXIT_OK;
}

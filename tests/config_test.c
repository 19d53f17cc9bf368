/* The configuration: every setting, every fault, each with its line and what to do. */
#include "testing.h"

#include "agent/config.h"

static char scratch[TESTING_PATH_BYTES];
static char file[TESTING_PATH_BYTES + 32], token[TESTING_PATH_BYTES + 32];
static struct config_problems problems;

static int setup(void **state)
{
    (void)state;
    testing_scratch(scratch);
    (void)snprintf(file, sizeof file, "%s/tillpost.json", scratch);
    (void)snprintf(token, sizeof token, "%s/token", scratch);
    testing_write(token, "abcdef0123456789\n", 0600);
    unsetenv("CREDENTIALS_DIRECTORY");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return testing_scratch_remove(scratch);
}

/* Loads {"tiktok":{good, TIKTOK}, REST}; both begin with a comma when not empty. */
static struct config *load(const char *tiktok, const char *rest)
{
    char text[8192];
    struct config *c = NULL;
    (void)snprintf(text, sizeof text,
                   "{\n\"tiktok\": {\n\"event_set_id\": \"7000000000000000001\",\n"
                   "\"access_token_file\": \"%s\"%s\n}%s\n}\n",
                   token, tiktok, rest);
    testing_write(file, text, 0600);
    (void)config_load(file, &c, &problems);
    return c;
}

static void a_minimal_file_has_the_documented_defaults(void **state)
{
    (void)state;
    struct config *c = load("", "");
    assert_non_null(c);
    assert_int_equal(problems.count, 0);
    assert_string_equal(c->tiktok.endpoint,
                        "https://business-api.tiktok.com/open_api/v1.3/event/track/");
    assert_string_equal(c->tiktok.event_names, "current");
    assert_null(c->tiktok.test_event_code);
    assert_null(c->tiktok.partner_name);
    assert_string_equal(c->listen.socket, "/run/tillpost/tillpost.sock");
    assert_int_equal(c->listen.socket_mode, 0660);
    assert_null(c->listen.http);
    assert_string_equal(c->queue.path, "/var/lib/tillpost/queue.db");
    assert_int_equal(c->queue.max_size_bytes, 256LL << 20);
    assert_int_equal(c->queue.max_event_age_ms, 28LL * 86400 * 1000);
    assert_int_equal(c->queue.keep_sent_ms, 28LL * 86400 * 1000);
    assert_int_equal(c->sync.batch_events, 1000);
    assert_int_equal(c->sync.batch_size_bytes, 1 << 20);
    assert_int_equal(c->sync.retry_first_ms, 1000);
    assert_int_equal(c->sync.retry_most_ms, 15 * 60 * 1000);
    assert_int_equal(c->sync.timeout_ms, 30 * 1000);
    assert_false(c->privacy.accept_external_id_alone);
    assert_int_equal(c->mapping_count, 4);
    config_free(c);
}

/* clang-format off */
static const struct { const char *tiktok, *rest; } good[] = {
    {"", ", \"mappings\": {\"presets\": \"all\"}"},
    {"", ", \"mappings\": {\"presets\": []}"},
    {"", ", \"mappings\": {\"presets\": [\"Complete Payment\", \"Search\"]}"},
    {", // a comment\n \"endpoint\": \"http://127.0.0.1:99/open_api/v1.3/event/track/\" /* another */", ""},
    {", \"endpoint\": \"http://localhost:99/\"", ""},
    {", \"endpoint\": \"http://[::1]:99/\"", ""},
    {", \"event_names\": \"legacy\", \"test_event_code\": \"TEST1\", \"partner_name\": \"x\"", ""},
    {", \"test_event_code\": null, \"proxy\": null, \"ca_file\": null", ""},
    {", \"proxy\": \"http://user:secret@proxy:3128\"", ""},
    {"", ", \"listen\": {\"socket\": \"/tmp/x.sock\", \"socket_mode\": \"0600\", \"allow_users\": [\"root\"]}"},
    {"", ", \"queue\": {\"max_size\": \"4M\", \"max_event_age\": \"1h\", \"keep_sent\": \"90d\"}"},
    {"", ", \"sync\": {\"batch_events\": 1, \"batch_size\": \"32K\", \"retry_first\": \"100ms\", \"retry_most\": \"24h\", \"timeout\": \"5m\"}"},
    {"", ", \"defaults\": {\"shop_id\": \"s\", \"currency\": \"eur\", \"calling_code\": \"44\"}"},
    {"", ", \"privacy\": {\"require_consent\": \"$.context.ok\", \"accept_external_id_alone\": true, \"allow_card_like\": [\"order_id\"]}"},
    {"", ", \"log\": {\"level\": \"debug\", \"format\": \"json\"}"},
    {"", ", \"mappings\": {\"custom\": [{\"name\": \"Mine\", \"subscribe\": \"type = \\\"track\\\"\", \"mapping\": {\"event\": \"Purchase\"}}]}"},
};

/* What must be told: the key, the line (0: any), and words of the message. */
static const struct { const char *tiktok, *rest, *key; unsigned line; const char *words; } bad[] = {
    {", \"endpont\": \"x\"", "", "tiktok.endpont", 4, "did you mean \"endpoint\""},
    {"", ",\n\"quue\": {}", "quue", 6, "did you mean \"queue\""},
    {"", ",\n\"queue\": 5", "queue", 6, "must be an object"},
    {"", ",\n\"queue\": {\n\"max_size\": \"1M\"}", "queue.max_size", 7, "4M to 64G"},
    {"", ", \"queue\": {\"max_size\": 5}", "queue.max_size", 0, "wrong type"},
    {"", ", \"queue\": {\"max_size\": \"lots\"}", "queue.max_size", 0, "4M to 64G"},
    {"", ", \"queue\": {\"max_event_age\": \"29d\"}", "queue.max_event_age", 0, "1h to 28d"},
    {"", ", \"queue\": {\"keep_sent\": \"1h\"}", "queue.keep_sent", 0, "at least queue.max_event_age"},
    {"", ", \"queue\": {\"path\": \"queue.db\"}", "queue.path", 0, "absolute path"},
    {"", ", \"queue\": {\"path\": null}", "queue.path", 0, "null is not allowed"},
    {"", ", \"sync\": {\"batch_events\": 1001}", "sync.batch_events", 0, "1 to 1000"},
    {"", ", \"sync\": {\"batch_events\": 0}", "sync.batch_events", 0, "1 to 1000"},
    {"", ", \"sync\": {\"batch_events\": 1.5}", "sync.batch_events", 0, "wrong type"},
    {"", ", \"sync\": {\"batch_events\": \"10\"}", "sync.batch_events", 0, "wrong type"},
    {"", ", \"sync\": {\"batch_size\": \"9M\"}", "sync.batch_size", 0, "32K to 8M"},
    {"", ", \"sync\": {\"retry_first\": \"1h\", \"retry_most\": \"1s\"}", "sync.retry_first", 0, "not be longer"},
    {"", ", \"sync\": {\"timeout\": \"6m\"}", "sync.timeout", 0, "1s to 5m"},
    {", \"endpoint\": \"http://example.com/\"", "", "tiktok.endpoint", 0, "loopback"},
    {", \"endpoint\": \"ftp://example.com/\"", "", "tiktok.endpoint", 0, "https://"},
    {", \"endpoint\": \"https:///x\"", "", "tiktok.endpoint", 0, "names no host"},
    {", \"endpoint\": \"http://127.0.0.1@evil.example/\"", "", "tiktok.endpoint", 0, "loopback"},
    {", \"endpoint\": \"http://127.0.0.1.evil.example/\"", "", "tiktok.endpoint", 0, "loopback"},
    {", \"event_names\": \"old\"", "", "tiktok.event_names", 0, "current|legacy"},
    {", \"ca_file\": \"/does/not/exist\"", "", "tiktok.ca_file", 0, "cannot be found"},
    {", \"proxy\": \"socks5://x\"", "", "tiktok.proxy", 0, "http://"},
    {"", ", \"listen\": {\"http\": \"127.0.0.1:7390\"}", "listen.token_file", 0, "required"},
    {"", ", \"listen\": {\"http\": \"0.0.0.0:7390\"}", "listen.http", 0, "loopback"},
    {"", ", \"listen\": {\"http\": \"127.0.0.1\"}", "listen.http", 0, "loopback"},
    {"", ", \"listen\": {\"http\": \"127.0.0.1:70000\"}", "listen.http", 0, "loopback"},
    {"", ", \"listen\": {\"socket_mode\": \"0999\"}", "listen.socket_mode", 0, "octal"},
    {"", ", \"listen\": {\"socket_group\": \"no-such-group-here\"}", "listen.socket_group", 0, "no such group"},
    {"", ", \"listen\": {\"allow_users\": [\"no-such-user-here\"]}", "listen.allow_users", 0, "does not have"},
    {"", ", \"listen\": {\"allow_users\": \"root\"}", "listen.allow_users", 0, "list"},
    {"", ", \"listen\": {\"allow_origins\": [\"https://till.example/\"]}", "listen.allow_origins", 0, "scheme://host"},
    {"", ", \"defaults\": {\"currency\": \"euro\"}", "defaults.currency", 0, "three letters"},
    {"", ", \"defaults\": {\"calling_code\": \"044\"}", "defaults.calling_code", 0, "0"},
    {"", ", \"defaults\": {\"calling_code\": \"+44\"}", "defaults.calling_code", 0, "1 to 3 digits"},
    {"", ", \"privacy\": {\"allow_card_like\": [\"ordr_id\"]}", "privacy.allow_card_like", 0, "did you mean \"order_id\""},
    {"", ", \"privacy\": {\"accept_external_id_alone\": \"yes\"}", "privacy.accept_external_id_alone", 0, "true or false"},
    {"", ", \"mappings\": {\"presets\": [\"Complete Paymnt\"]}", "mappings.presets.0", 0, "did you mean \"Complete Payment\""},
    {"", ", \"mappings\": {\"presets\": [\"Search\", \"Search\"]}", "mappings.presets.0", 0, "listed twice"},
    {"", ", \"mappings\": {\"presets\": 5}", "mappings.presets", 0, "all"},
    {"", ", \"mappings\": {\"custom\": [{\"name\": \"Mine\", \"subscribe\": \"type = \", \"mapping\": {\"event\": \"Purchase\"}}]}", "mappings.custom.0", 0, "Mine"},
    {"", ", \"mappings\": {\"custom\": {}}", "mappings.custom", 0, "list"},
    {"", ", \"log\": {\"level\": \"loud\"}", "log.level", 0, "error|warning|info|debug"},
    {"", ", \"import\": {\"folder\": \"spool\"}", "import.folder", 0, "absolute"},
};
/* clang-format on */

static void every_good_file_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct config *c = load(good[i].tiktok, good[i].rest);
        if (!c) fail_msg("row %zu: %s: %s", i, problems.list[0].key, problems.list[0].message);
        config_free(c);
    }
}

static void every_fault_names_key_line_and_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct config *c = load(bad[i].tiktok, bad[i].rest);
        if (c) fail_msg("row %zu (%s) was taken", i, bad[i].key);
        const struct config_problem *p = &problems.list[0];
        if (strcmp(p->key, bad[i].key) != 0 || !strstr(p->message, bad[i].words) ||
            (bad[i].line && p->line != bad[i].line))
            fail_msg("row %zu (%s): line %u, %s: %s", i, bad[i].key, p->line, p->key, p->message);
        if (p->line == 0 && !strstr(p->message, "required")) fail_msg("row %zu has no line", i);
    }
}

static void all_faults_are_found_in_one_run(void **state)
{
    (void)state;
    assert_null(load(", \"endpont\": 1", ", \"sync\": {\"batch_events\": 0, \"timeout\": 3},"
                                         " \"log\": {\"level\": \"x\"}"));
    assert_int_equal(problems.errors, 4);
}

static void what_is_required_is_asked_for(void **state)
{
    (void)state;
    struct config *c = NULL;
    testing_write(file, "{}", 0600);
    assert_int_equal(config_load(file, &c, &problems), TILLPOST_E_CONFIG);
    assert_int_equal(problems.errors, 2);
    assert_string_equal(problems.list[0].key, "tiktok.event_set_id");
    assert_string_equal(problems.list[1].key, "tiktok.access_token_file");
}

static void broken_json_is_told_with_its_line(void **state)
{
    (void)state;
    struct config *c = NULL;
    testing_write(file, "{\n\"tiktok\": {,}\n}", 0600);
    assert_int_equal(config_load(file, &c, &problems), TILLPOST_E_CONFIG);
    assert_non_null(strstr(problems.list[0].message, "line 2"));
    assert_int_equal(config_load("/does/not/exist", &c, &problems), TILLPOST_E_NO_INPUT);
}

static void a_token_that_others_can_read_is_refused(void **state)
{
    (void)state;
    struct config *c = load("", "");
    assert_non_null(c);
    config_free(c);
    assert_int_equal(chmod(token, 0644), 0);
    assert_null(load("", ""));
    assert_non_null(strstr(problems.list[0].message, "readable by others"));
    assert_null(strstr(problems.list[0].message, "abcdef0123456789"));
    assert_int_equal(chmod(token, 0600), 0);
}

/* clang-format off */
static const struct { const char *text, *words; } tokens[] = {
    {"", "is empty"}, {"\n \n", "is empty"}, {"Bearer abc\n", "Bearer"}, {"two words\n", "one token"},
    {"one\ntwo\n", "one token"}, {"caf\xc3\xa9\n", "one token"},
};
/* clang-format on */

static void a_token_file_holds_one_plain_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        testing_write(token, tokens[i].text, 0600);
        assert_null(load("", ""));
        if (!strstr(problems.list[0].message, tokens[i].words))
            fail_msg("row %zu: %s", i, problems.list[0].message);
    }
    testing_write(token, "  abcdef0123456789\r\n", 0600);
    struct config *c = load("", "");
    assert_non_null(c);
    config_free(c);
}

static void a_proxy_password_needs_a_private_file(void **state)
{
    (void)state;
    struct config *c = load(", \"proxy\": \"http://u:p@proxy:1\"", "");
    assert_non_null(c);
    config_free(c);
    c = NULL;
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(config_load(file, &c, &problems), TILLPOST_E_CONFIG);
    assert_string_equal(problems.list[0].key, "tiktok.proxy");
}

static void page_view_and_a_missing_slash_are_warnings(void **state)
{
    (void)state;
    struct config *c = load(", \"endpoint\": \"https://example.com/track\"",
                            ", \"mappings\": {\"presets\": [\"Page View\"]}");
    assert_non_null(c);
    assert_int_equal(problems.errors, 0);
    assert_int_equal(problems.count, 2);
    assert_true(problems.list[0].warning && problems.list[1].warning);
    config_free(c);
}

static void a_mapping_whose_event_tiktok_does_not_take_is_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *event, *words; /* NULL: no warning */
    } rows[] = {
        {"\"Purchase\"", NULL},
        {"\"CompletePayment\"", NULL},
        {"{\"@path\":\"$.event\"}", NULL},
        {"\"PageView\"", "it may be refused"},
        {"\"MyOwn\"", "bad_event_name"},
        {"\"purchase\"", "bad_event_name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rest[512];
        (void)snprintf(rest, sizeof rest,
                       ", \"mappings\": {\"custom\": [{\"name\":\"Mine\",\"subscribe\":"
                       "\"type = \\\"track\\\"\",\"mapping\":{\"event\":%s}}]}",
                       rows[i].event);
        struct config *c = load("", rest);
        assert_non_null(c);
        assert_int_equal(problems.count, rows[i].words != NULL);
        if (rows[i].words &&
            (!problems.list[0].warning || strcmp(problems.list[0].key, "mappings.custom.0") != 0 ||
             !strstr(problems.list[0].message, "\"Mine\"") ||
             !strstr(problems.list[0].message, rows[i].words)))
            fail_msg("%s: %s", rows[i].event, problems.list[0].message);
        config_free(c);
    }
}

static void no_more_than_fifty_mappings(void **state)
{
    (void)state;
    static char rest[16384];
    size_t len =
        (size_t)snprintf(rest, sizeof rest, ", \"mappings\": {\"presets\": \"all\", \"custom\": [");
    for (int i = 0; i < 36; i++)
        len += (size_t)snprintf(rest + len, sizeof rest - len,
                                "%s{\"name\":\"m%d\",\"subscribe\":\"type = \\\"track\\\"\","
                                "\"mapping\":{\"event\":\"Purchase\"}}",
                                i ? "," : "", i);
    (void)snprintf(rest + len, sizeof rest - len, "]}");
    assert_null(load("", rest));
    assert_int_equal(problems.errors, 1);
    const struct config_problem *p = &problems.list[problems.count - 1];
    assert_non_null(strstr(p->message, "50"));
    assert_string_equal(p->key, "mappings.custom.35");
}

static void the_path_comes_from_argument_environment_or_default(void **state)
{
    (void)state;
    unsetenv("TILLPOST_CONFIG");
    assert_string_equal(config_path(NULL), "/etc/tillpost/tillpost.json");
    setenv("TILLPOST_CONFIG", "/e", 1);
    assert_string_equal(config_path(NULL), "/e");
    assert_string_equal(config_path("/a"), "/a");
    unsetenv("TILLPOST_CONFIG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minimal_file_has_the_documented_defaults),
        cmocka_unit_test(every_good_file_is_taken),
        cmocka_unit_test(every_fault_names_key_line_and_rule),
        cmocka_unit_test(all_faults_are_found_in_one_run),
        cmocka_unit_test(what_is_required_is_asked_for),
        cmocka_unit_test(broken_json_is_told_with_its_line),
        cmocka_unit_test(a_token_that_others_can_read_is_refused),
        cmocka_unit_test(a_token_file_holds_one_plain_token),
        cmocka_unit_test(a_proxy_password_needs_a_private_file),
        cmocka_unit_test(page_view_and_a_missing_slash_are_warnings),
        cmocka_unit_test(a_mapping_whose_event_tiktok_does_not_take_is_warned_of),
        cmocka_unit_test(no_more_than_fifty_mappings),
        cmocka_unit_test(the_path_comes_from_argument_environment_or_default),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

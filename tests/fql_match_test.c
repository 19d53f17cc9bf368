/* fql_match_test.c: for which calls a trigger fires. */
#include "mapping_kit.h"

#include "mapping/fql.h"

/* ` is the quote of JSON and of triggers. Absent here: name, anonymousId, groupId, messageId. */
static const char track[] =
    "{`type`:`track`,`event`:`Order Completed`,`userId`:`42`,`previousId`:17,"
    "`properties`:{`total`:120.5,`count`:3,`zero`:0,`text`:`Nike Air`,`digits`:`19`,`empty`:``,"
    "`yes`:true,`no`:false,`word`:`true`,`nothing`:null,`list`:[`a`,`b`],`none`:[],"
    "`deep`:{`a`:{`b`:1}},"
    "`my key`:`k`,`my.key`:`dot`,`a-b`:`dash`,`2nd`:`two`,`größe`:`xl`,`q\\`q`:`quote`,"
    "`back`:`a\\\\b`,`umlaut`:`JÜRGEN`,`star`:`10*`,`products`:[{`price`:5}]},"
    "`traits`:{`plan`:`premium`,`logins`:7},"
    "`context`:{`ip`:`1.2.3.4`,`page`:{`url`:`https://shop.example/a`}},"
    "`integrations`:{`All`:false,`TikTok Offline Conversions`:{`ttclid`:`c`}}}";

static const struct {
    const char *trigger;
    bool fires;
} rows[] = {
    /* texts */
    {"event = `Order Completed`", true},
    {"event = 'Order Completed'", true},
    {"event=`Order Completed`", true},
    {"  event\n=\t`Order Completed`\r\n", true},
    {"event = `order completed`", false},
    {"event = `Order Completed `", false},
    {"event != `Order Completed`", false},
    {"event != `Order Refunded`", true},
    {"type=`track`", true},
    {"type = `page`", false},
    {"properties.text = `Nike Air`", true},
    {"properties.empty = ``", true},
    {"properties.empty != ``", false},
    {"properties.empty = `x`", false},
    {"traits.plan = `premium`", true},
    {"context.ip = `1.2.3.4`", true},
    {"context.page.url = `https://shop.example/a`", true},
    {"integrations.All = false", true},
    {"integrations.tiktok\\ offline\\ CONVERSIONS.ttclid = `c`", true},
    /* only a text equals a text */
    {"properties.total = `120.5`", false},
    {"properties.total != `120.5`", true},
    {"properties.yes = `true`", false},
    {"properties.word = `true`", true},
    {"properties.list = `a`", false},
    {"properties.list != `a`", true},
    {"properties.deep = `a`", false},
    {"properties.nothing = `null`", false},
    /* numbers */
    {"properties.total = 120.5", true},
    {"properties.total = 120.50", true},
    {"properties.total = +120.5", true},
    {"properties.total = 120", false},
    {"properties.total != 120", true},
    {"properties.total != 120.5", false},
    {"properties.zero = 0", true},
    {"properties.zero = -0", true},
    {"properties.count > 2", true},
    {"properties.count > 3", false},
    {"properties.count >= 3", true},
    {"properties.count >= 3.1", false},
    {"properties.count < 4", true},
    {"properties.count < 3", false},
    {"properties.count <= 3", true},
    {"properties.count <= 2.9", false},
    {"properties.count > -1", true},
    {"properties.count>=3", true},
    {"properties.count > `2`", true},
    {"properties.count > '2.5'", true},
    {"properties.count > `+3`", false},
    /* a text of digits is no number */
    {"properties.digits = 19", false},
    {"properties.digits = `19`", true},
    {"properties.digits > 1", false},
    {"properties.digits < 100", false},
    {"properties.digits != 20", false},
    {"properties.digits != `20`", true},
    /* … but the fields at the top hold texts */
    {"userId = 42", true},
    {"userId = `42`", true},
    {"userId = 43", false},
    {"userId != 43", true},
    {"userId != 42", false},
    {"userId > 1", false},
    {"previousId = 17", true},
    {"previousId != 17", false},
    {"previousId = `17`", false},
    {"groupId != 5", true},
    {"name = 5", false},
    /* true and false */
    {"properties.yes = true", true},
    {"properties.yes = false", false},
    {"properties.yes != true", false},
    {"properties.yes != false", true},
    {"properties.no = false", true},
    {"properties.no != false", false},
    {"properties.word = true", false},
    {"properties.word != true", true},
    {"properties.count = true", false},
    {"properties.absent = false", false},
    {"properties.absent != false", true},
    {"properties.zero = false", false},
    /* null is what is not there */
    {"properties.nothing = null", true},
    {"properties.nothing != null", false},
    {"properties.absent = null", true},
    {"properties.absent != null", false},
    {"properties.empty = null", false},
    {"properties.empty != null", true},
    {"properties.zero != null", true},
    {"properties.no != null", true},
    {"properties.none != null", true},
    {"properties != null", true},
    {"event != null", true},
    {"name = null", true},
    {"name != null", false},
    {"userId != null", true},
    {"anonymousId = null", true},
    /* what is absent differs from any text, and is no number */
    {"properties.absent = `x`", false},
    {"properties.absent != `x`", true},
    {"properties.absent = ``", false},
    {"properties.absent = 5", false},
    {"properties.absent != 5", false},
    {"properties.absent > 5", false},
    {"properties.absent < 5", false},
    {"properties.absent <= 0", false},
    {"properties.nothing < 5", false},
    {"properties.nothing != `x`", true},
    {"name != `Home`", true},
    {"properties.text.length = 8", false},
    {"properties.total.x = null", true},
    /* names */
    {"properties.my\\ key = `k`", true},
    {"properties.my\\.key = `dot`", true},
    {"properties.my.key = `dot`", false},
    {"properties.`my key` = `k`", true},
    {"properties.'my.key' = `dot`", true},
    {"properties['my key'] = `k`", true},
    {"properties[`my.key`] = 'dot'", true},
    {"properties.a-b = `dash`", true},
    {"properties.2nd = `two`", true},
    {"properties.größe = `xl`", true},
    {"properties.gr\\öße = `xl`", true},
    {"properties.q\\`q = `quote`", true},
    {"properties.\\t\\o\\tal > 1", true},
    {"properties.deep.a.b = 1", true},
    {"properties . deep . a . b = 1", true},
    {"properties['deep']['a'].b = 1", true},
    {"properties.list[0] = `a`", true},
    {"properties.list[1] = `a`", false},
    {"properties.list[2] = null", true},
    {"properties.list.1 = `b`", true},
    {"properties.products[0].price = 5", true},
    {"properties.products.price = 5", false},
    /* escapes in texts: a quote, a backslash, and otherwise themselves */
    {"properties.back = `a\\\\b`", true},
    {"properties.back = `a\\b`", true},
    {"properties.back = 'a\\\\\\\\b'", false},
    {"event = 'Order \\'Completed'", false},
    {"event != `Order \\`Completed`", true},
    {"contains(properties.back, `\\\\`)", true},
    /* contains */
    {"contains(properties.text, `Nike`)", true},
    {"contains(properties.text, `Air`)", true},
    {"contains(properties.text, `e A`)", true},
    {"contains(properties.text, `nike`)", false},
    {"contains(properties.text, ``)", true},
    {"contains(properties.text, `Nike Air Max`)", false},
    {"contains(event, `Order`)", true},
    {"contains ( event , `Order` )", true},
    {"contains(properties.total, `120`)", false},
    {"contains(properties.list, `a`)", false},
    {"contains(properties.absent, `a`)", false},
    {"contains(properties.empty, `a`)", false},
    {"!contains(properties.text, `Adidas`)", true},
    {"!contains(properties.text, `Nike`)", false},
    {"not contains(properties.text, `Adidas`)", true},
    {"! contains(properties.text, `Adidas`)", true},
    /* what is no text neither contains nor does not */
    {"!contains(properties.absent, `a`)", false},
    {"not contains(properties.absent, `a`)", false},
    {"!contains(properties.total, `9`)", false},
    {"!(contains(properties.absent, `a`))", true},
    {"not (contains(properties.absent, `a`))", true},
    {"!!contains(properties.text, `Nike`)", true},
    {"!!contains(properties.absent, `Nike`)", false},
    /* match */
    {"match(event, `Order*`)", true},
    {"match(event, `*Completed`)", true},
    {"match(event, `*er Co*`)", true},
    {"match(event, `Order`)", false},
    {"match(event, `Order?Completed`)", true},
    {"match(event, `order*`)", false},
    {"match(properties.star, `10\\*`)", true},
    {"match(properties.star, `1\\*`)", false},
    {"match(properties.total, `1*`)", false},
    {"match(properties.absent, `*`)", false},
    {"!match(event, `Refund*`)", true},
    {"!match(event, `Order*`)", false},
    {"!match(properties.absent, `x*`)", false},
    {"!(match(properties.absent, `x*`))", true},
    /* length, lowercase, typeof */
    {"length(event) = 15", true},
    {"length(properties.text) > 7", true},
    {"length(properties.umlaut) = 7", true},
    {"length(properties.list) = 2", true},
    {"length(properties.none) = 0", true},
    {"length(properties.absent) = 0", true},
    {"length(properties.nothing) != 0", false},
    {"length(userId) > 0", true},
    {"length(anonymousId) > 0", false},
    {"length(properties.total) = 0", false},
    {"length(properties.total) = null", true},
    {"length(properties.deep) = null", true},
    {"length(userId) = `2`", false},
    {"lowercase(event) = `order completed`", true},
    {"lowercase(event) = `Order Completed`", false},
    {"lowercase(properties.umlaut) = `jürgen`", true},
    {"lowercase(properties.absent) = null", true},
    {"lowercase(properties.total) = null", true},
    {"contains(lowercase(properties.text), `nike`)", true},
    {"match(lowercase(event), `order*`)", true},
    {"lowercase(userId) = 42", false},
    {"lowercase(userId) = `42`", true},
    {"lowercase(lowercase(event)) = `order completed`", true},
    {"length(lowercase(event)) = 15", true},
    {"lowercase(typeof(event)) = `string`", true},
    {"length(typeof(properties.list)) = 4", true},
    {"typeof(event) = `string`", true},
    {"typeof(properties.total) = `number`", true},
    {"typeof(properties.yes) = `bool`", true},
    {"typeof(properties.no) = `bool`", true},
    {"typeof(properties.list) = `list`", true},
    {"typeof(properties.deep) = `object`", true},
    {"typeof(properties.nothing) = `null`", true},
    {"typeof(properties.absent) = `null`", true},
    {"typeof(length(event)) = `number`", true},
    {"typeof(length(properties.yes)) = `null`", true},
    /* and, or, not, brackets: not before and before or */
    {"type = `track` and event = `Order Completed`", true},
    {"type = `track` and event = `x`", false},
    {"type = `page` or event = `Order Completed`", true},
    {"type = `page` or event = `x`", false},
    {"type = `track` or type = `page` and event = `x`", true},
    {"(type = `track` or type = `page`) and event = `x`", false},
    {"type = `x` and event = `x` or type = `track`", true},
    {"type = `track` or type = `x` or type = `y`", true},
    {"type = `x` or type = `y` or type = `track`", true},
    {"type = `track` and userId = `42` and properties.total > 100", true},
    {"type = `track` and userId = `42` and properties.total > 1000", false},
    {"not type = `page`", true},
    {"not type = `track`", false},
    {"!type = `page`", true},
    {"not type = `page` and event = `x`", false},
    {"not (type = `page` and event = `x`)", true},
    {"not not type = `track`", true},
    {"! ! ! type = `track`", false},
    {"not (properties.absent = 5)", true},
    {"not properties.absent = 5", true},
    {"((type = `track`))", true},
    {"(((type = `track`) and ((event = `Order Completed`))))", true},
    {"type = `track` and (event = `x` or (userId = 42 and properties.total >= 100))", true},
    {"(event = `x` and type = `track`) or (event = `Order Completed` and properties.total >= 500)",
     false},
    {"type = `track` and !(event = `Order Completed` and properties.total >= 500)", true},
};

static const struct fql *parse(const char *trigger)
{
    const struct fql *f = NULL;
    struct fault why = {0};
    if (fql_parse(&kit, str_from(kit_text(trigger)), &f, &why) < 0) {
        fail_msg("%s: %s", trigger, why.message);
    }
    return f;
}

static void a_trigger_fires_for_the_calls_it_names(void **state)
{
    struct path_roots roots;
    path_read_roots(&roots, kit_json(track));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (fql_matches(parse(rows[i].trigger), &roots) != rows[i].fires) {
            fail_msg("%s: %s", rows[i].trigger, rows[i].fires ? "does not fire" : "fires");
        }
    }
}

static const struct {
    const char *trigger, *call;
    bool fires;
} others[] = {
    {"type = `identify` and traits.order_completed_last_30days = true",
     "{`type`:`identify`,`traits`:{`order_completed_last_30days`:true}}", true},
    {"type = `identify` and traits.order_completed_last_30days = true",
     "{`type`:`identify`,`traits`:{`order_completed_last_30days`:false}}", false},
    {"type = `identify` and traits.order_completed_last_30days = false",
     "{`type`:`identify`,`traits`:{`order_completed_last_30days`:false}}", true},
    {"type = `identify` and traits.order_completed_last_30days = false",
     "{`type`:`identify`,`traits`:{}}", false},
    {"traits.plan = `a`", "{`type`:`track`,`context`:{`traits`:{`plan`:`a`}}}", false},
    {"context.traits.plan = `a`", "{`type`:`track`,`context`:{`traits`:{`plan`:`a`}}}", true},
    {"type = `page` and name = `Home`", "{`type`:`page`,`name`:`Home`}", true},
    {"groupId = `g` and previousId = `p`", "{`groupId`:`g`,`previousId`:`p`}", true},
    {"messageId != null and anonymousId = `a`", "{`messageId`:`m`,`anonymousId`:`a`}", true},
    {"event = `x`", "{}", false},
    {"event != `x`", "{}", true},
    {"event = null", "{`event`:null}", true},
    {"event = `x`", "{`event`:{`x`:1}}", false},
    {"properties.a = 1", "{`properties`:[{`a`:1}]}", false},
    {"properties[0].a = 1", "{`properties`:[{`a`:1}]}", true},
    {"properties.a = 1", "{`properties`:`a`}", false},
    {"properties.a = null", "{`properties`:null}", true},
    {"properties.n > 0", "{`properties`:{`n`:1e400}}", true},
    {"type = `track`", "[1]", false},
    {"type = null", "7", true},
};

static void a_trigger_copes_with_any_call(void **state)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct path_roots roots;
        path_read_roots(&roots, kit_json(others[i].call));
        if (fql_matches(parse(others[i].trigger), &roots) != others[i].fires) {
            fail_msg("%s on %s: %s", others[i].trigger, others[i].call,
                     others[i].fires ? "does not fire" : "fires");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trigger_fires_for_the_calls_it_names),
        cmocka_unit_test(a_trigger_copes_with_any_call),
    };
    return cmocka_run_group_tests(tests, kit_open, kit_close);
}

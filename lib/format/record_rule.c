/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules as protobuf messages, and back.
 *
 * Owns the one form that an amount has: a real one that an int64 could hold is
 * refused.
 * Keeps a rule that is read one that a text could have made.
 * Never keeps a pointer into a message.
 */
#include <string.h>

#include "format/record_message.h"

static void
init_rule(void *message)
{
    memcpy(message, &(const Lf__Rule)LF__RULE__INIT, sizeof(Lf__Rule));
}

static Lf__Amount *
fill_amount(struct lf_amount amount, struct lf_arena *arena)
{
    Lf__Amount *message = lf_arena_alloc(arena, sizeof *message);

    if (!message)
        return NULL;
    lf__amount__init(message);
    message->is_real = amount.is_real;
    message->whole = amount.whole;
    message->real = amount.real;
    return message;
}

bool
lf_message_of_rules(const struct lf_view *view, struct lf_arena *arena,
                    Lf__ViewRecord *message)
{
    Lf__Rule *rules;

    if (!view->rule_count)
        return true;
    rules = lf_message_array(arena, view->rule_count, sizeof *rules, init_rule,
                             &message->rules);
    if (!rules)
        return false;
    message->n_rules = view->rule_count;
    for (uint32_t i = 0; i < view->rule_count; i++) {
        const struct lf_rule *rule = &view->rules[i];
        bool has_high = rule->op == LF_RULE_BETWEEN;

        rules[i].figure = (uint32_t)rule->figure;
        rules[i].feature = rule->feature;
        rules[i].key = rule->key;
        rules[i].op = (uint32_t)rule->op;
        rules[i].low = fill_amount(rule->low, arena);
        rules[i].high = has_high ? fill_amount(rule->high, arena) : NULL;
        if (!rules[i].low || (has_high && !rules[i].high))
            return false;
    }
    return true;
}

static const char *
take_amount(const Lf__Amount *message, struct lf_amount *amount)
{
    LF_CHECK(message, "a rule has no bound");
    if (!message->is_real) {
        LF_CHECK(message->real == 0, "a bound of a rule is two numbers");
        *amount = lf_amount_whole(message->whole);
        return NULL;
    }
    LF_CHECK(message->real - message->real == 0,
             "a bound of a rule is not finite");
    *amount = lf_amount_real(message->real);
    LF_CHECK(amount->is_real && message->whole == 0,
             "a bound of a rule is not in its form");
    return NULL;
}

static const char *
take_rule(const Lf__Rule *message, const struct lf_view *view,
          const struct lf_entity *entity, struct lf_rule *rule)
{
    LF_CHECK(message->figure >= LF_ROWS && message->figure <= LF_PSI,
             "a rule has no such figure");
    LF_CHECK(message->op >= LF_RULE_EQUAL && message->op <= LF_RULE_BETWEEN,
             "a rule has no such operator");
    rule->figure = (enum lf_figure)message->figure;
    rule->feature = message->feature;
    rule->key = message->key;
    rule->op = (enum lf_rule_op)message->op;
    LF_CHECK_CALL(take_amount(message->low, &rule->low));
    if (rule->op == LF_RULE_BETWEEN)
        LF_CHECK_CALL(take_amount(message->high, &rule->high));
    else
        LF_CHECK(!message->high, "a rule has a bound too many");
    return lf_rule_problem(rule, view, entity);
}

const char *
lf_message_to_rules(const Lf__ViewRecord *message, struct lf_catalog *catalog,
                    const struct lf_entity *entity, struct lf_view *view)
{
    LF_CHECK(message->n_rules <= LF_RULES_MAX,
             "a feature view has at most 256 rules");
    view->rules =
        lf_arena_array(&catalog->arena, message->n_rules, sizeof *view->rules);
    LF_CHECK(view->rules, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_rules; i++)
        LF_CHECK_CALL(
            take_rule(message->rules[i], view, entity, &view->rules[i]));
    view->rule_count = (uint32_t)message->n_rules;
    return NULL;
}

/* Any text as the value of --trace: rules within their bounds, or an error in words. */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/options.h"
#include "vmm/trace_registers.h"
#include "vmm/trace_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct trace_rule *rule)
{
    assert(rule->event < TRACE_EVENT_NUM);
    assert(rule->first <= rule->last);
    assert(rule->cpu >= TRACE_ANY_CPU && rule->cpu < RUN_CPUS_MAX);
    assert(memchr(rule->region, '\0', sizeof(rule->region)));
    assert(memchr(rule->reg, '\0', sizeof(rule->reg)));
    assert((rule->event == TRACE_REGISTER) == (rule->reg[0] != '\0'));
    assert(rule->event != TRACE_REGISTER ||
           trace_registers_have(trace_registers_of(rule->region), rule->reg));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_rule rules[TRACE_EVENT_NUM];
    struct trace_spec spec;
    struct error err = {.text = ""};
    char *text = malloc(size + 1);
    int num;
    size_t i;

    assert(text);
    memcpy(text, data, size);
    text[size] = '\0';
    if (trace_spec_parse(text, &spec, &err) < 0) {
        assert(err.text[0] != '\0');
    } else {
        assert(spec.rule_num > 0 && spec.rule_num <= TRACE_RULES_MAX);
        assert(spec.format < TRACE_FORMAT_NUM);
        assert(!spec.file || (spec.file > text && spec.file < text + size));
        for (i = 0; i < spec.rule_num; i++) {
            check_rule(&spec.rules[i]);
        }
    }
    num = trace_rules_parse(text, rules, &err);
    assert(num != 0 && num <= TRACE_EVENT_NUM);
    for (i = 0; num > 0 && i < (size_t)num; i++) {
        check_rule(&rules[i]);
    }
    free(text);
    return 0;
}

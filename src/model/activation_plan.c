#include "model/activation_plan.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

void *plan_take(struct activation_plan *plan, const char *name, size_t count, size_t size)
{
    size_t bytes, i = 0;
    if (!mem_mul(count, size, &bytes))
        SFT_BUG("an activation's size overflows: sizes are checked when the model is loaded");
    bytes = (bytes + 63) / 64 * 64;
    void *p = plan->memory ? plan->memory + plan->bytes : NULL;
    plan->bytes += bytes;
    while (i < plan->count && strcmp(plan->entries[i].name, name) != 0)
        i++;
    if (i == PLAN_MAX)
        SFT_BUG("PLAN_MAX is too small");
    if (i == plan->count)
        plan->entries[plan->count++] = (struct plan_entry){.name = name};
    plan->entries[i].bytes += bytes;
    return p;
}

act *plan_acts(struct activation_plan *plan, const char *name, size_t width)
{
    return plan_take(plan, name, plan->N * width, plan->act_size);
}

void plan_width(struct activation_plan *plan, size_t width)
{
    if (plan->sizes.width < width)
        plan->sizes.width = width;
}

act *plan_columns(const struct activation_plan *plan, act *buffer, size_t offset)
{
    return buffer ? (unsigned char *)buffer + offset * plan->act_size : NULL;
}

/* The functions of the language. */
#include "text/jinja/methods.h"

struct jinja_value jinja_function(struct jinja_string name)
{
    static const char *const names[] = {"raise_exception", "strftime_now", "namespace", "range", "dict"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (jinja_string_is(name, names[i]))
            return (struct jinja_value){.type = JINJA_FUNCTION, .string = name};
    return jinja_undefined();
}

/* ---- dates ---- */

/* Zeller's congruence: 0 is Sunday. */
static int day_of_week(struct jinja_date d)
{
    static const int offsets[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    const int year = d.year - (d.month < 3);
    return (year + year / 4 - year / 100 + year / 400 + offsets[d.month - 1] + d.day) % 7;
}

static bool put_date_part(struct strbuf *sb, char letter, struct jinja_date d)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    switch (letter) {
    case 'd': strbuf_printf(sb, "%02d", d.day); return true;
    case 'm': strbuf_printf(sb, "%02d", d.month); return true;
    case 'Y': strbuf_printf(sb, "%04d", d.year); return true;
    case 'y': strbuf_printf(sb, "%02d", d.year % 100); return true;
    case 'B': strbuf_puts(sb, months[d.month - 1]); return true;
    case 'b': strbuf_add(sb, months[d.month - 1], 3); return true;
    case 'A': strbuf_puts(sb, days[day_of_week(d)]); return true;
    case 'a': strbuf_add(sb, days[day_of_week(d)], 3); return true;
    case 'H': strbuf_puts(sb, "12"); return true;
    case 'M':
    case 'S': strbuf_puts(sb, "00"); return true;
    case '%': strbuf_putc(sb, '%'); return true;
    default: return false;
    }
}

static struct jinja_value strftime_now(struct jinja_interp *in, const struct jinja_args *args)
{
    const struct jinja_value *format = jinja_arg(args, 0, "format");
    if (!format || format->type != JINJA_STRING)
        return jinja_raise(in, "strftime_now wants a format");
    struct strbuf sb = {0};
    const struct jinja_string s = format->string;
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != '%')
            strbuf_putc(&sb, s.data[i]);
        else if (++i >= s.len || !put_date_part(&sb, s.data[i], in->date))
            jinja_unknown(in, "this format of a date");
    const struct jinja_value text = jinja_copy_text(in, sb.data, sb.len);
    strbuf_free(&sb);
    return text;
}

/* ---- the others ---- */

/* namespace(x=1) and dict(x=1) */
static struct jinja_value mapping(struct jinja_interp *in, enum jinja_type type, const struct jinja_args *args)
{
    struct jinja_value v = jinja_dict_new(&in->arena, args->keywords->count + 2);
    if (args->list->count > 0)
        return jinja_unknown(in, "a namespace or a dict of another");
    v.type = type;
    for (size_t i = 0; i < args->keywords->count; i++)
        jinja_dict_set(&in->arena, v.dict, args->keywords->members[i].key, args->keywords->members[i].value);
    return v;
}

static struct jinja_value range(struct jinja_interp *in, const struct jinja_args *args)
{
    int64_t bounds[3] = {0, 0, 1};
    for (size_t i = 0; i < args->list->count; i++) {
        if (args->list->items[i].type != JINJA_INT)
            return jinja_raise(in, "range wants integers");
        bounds[args->list->count == 1 ? 1 : i] = args->list->items[i].integer;
    }
    const int64_t step = bounds[2], distance = step > 0 ? bounds[1] - bounds[0] : bounds[0] - bounds[1];
    if (args->list->count == 0 || step == 0)
        return jinja_raise(in, "range wants a length, and no step of 0");
    const int64_t pace = step > 0 ? step : -step, count = distance > 0 ? (distance - 1) / pace + 1 : 0;
    if (count > 100000) /* Jinja's sandbox has this bound too */
        return jinja_raise(in, "range too big");
    struct jinja_value list = jinja_new_list(in, (size_t)count);
    for (size_t i = 0; i < list.list->count; i++)
        list.list->items[i] = jinja_int(bounds[0] + (int64_t)i * step);
    return list;
}

struct jinja_value jinja_call_function(struct jinja_interp *in, struct jinja_string name,
                                       const struct jinja_args *args)
{
    if (jinja_string_is(name, "namespace") || jinja_string_is(name, "dict"))
        return mapping(in, jinja_string_is(name, "dict") ? JINJA_DICT : JINJA_NAMESPACE, args);
    if (!jinja_takes(in, args, 3, "message format", name))
        return jinja_undefined();
    if (jinja_string_is(name, "strftime_now"))
        return strftime_now(in, args);
    if (jinja_string_is(name, "range"))
        return range(in, args);
    const struct jinja_value *message = jinja_arg(args, 0, "message");
    const struct jinja_value text = message ? jinja_to_text(in, message) : jinja_text("");
    if (!jinja_ok(in))
        return text;
    if (text.string.len == 0 || !*text.string.data)
        return jinja_raise(in, "an exception");
    return jinja_raise(in, "%.*s", (int)(text.string.len < JINJA_MESSAGE_MAX ? text.string.len : JINJA_MESSAGE_MAX),
                       text.string.data);
}

#include "text/jinja/exec.h"

#include "text/jinja/eval.h"

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

static enum flow run(struct jinja_interp *in, const struct jinja_node *body);

static void set(struct jinja_interp *in, struct jinja_string name, struct jinja_value v)
{
    jinja_dict_set(&in->arena, in->scope->variables, jinja_bytes(name.data, name.len), v);
}

static struct jinja_scope *new_scope(struct jinja_interp *in, struct jinja_scope *outer)
{
    struct jinja_scope *scope = arena_alloc(&in->arena, sizeof *scope);
    jinja_step(in, sizeof *scope + 4 * sizeof(struct jinja_member));
    *scope = (struct jinja_scope){.variables = jinja_dict_new(&in->arena, 4).dict, .outer = outer};
    return scope;
}

/* ---- assignments ---- */

static void assign_member(struct jinja_interp *in, const struct jinja_node *target, struct jinja_value v)
{
    const struct jinja_value of = jinja_eval(in, target->a);
    if (of.type != JINJA_NAMESPACE)
        jinja_raise(in, "cannot assign attribute on non-namespace object");
    else
        jinja_dict_set(&in->arena, of.dict, jinja_bytes(target->name.data, target->name.len), v);
}

static void assign(struct jinja_interp *in, const struct jinja_node *target, struct jinja_value v)
{
    if (!jinja_ok(in))
        return;
    if (target->kind == NODE_NAME) {
        set(in, target->name, v);
        return;
    }
    if (target->kind == NODE_ATTRIBUTE) {
        assign_member(in, target, v);
        return;
    }
    const struct jinja_list *values = jinja_iterate(in, &v).list;
    size_t i = 0;
    for (const struct jinja_node *name = target->list; name; name = name->next, i++)
        if (i < values->count)
            set(in, name->name, values->items[i]);
    if (i != values->count)
        jinja_raise(in, "the number of values is not that of the names");
}

/* What a body prints, in a scope of its own. */
static struct jinja_value gather(struct jinja_interp *in, const struct jinja_node *body, struct jinja_scope *scope)
{
    struct strbuf text = {0}, *out = in->out;
    struct jinja_scope *outer = in->scope;
    in->out = &text;
    in->scope = scope;
    if (run(in, body) != FLOW_ON)
        jinja_unknown(in, "a break out of a block");
    in->scope = outer;
    in->out = out;
    const struct jinja_value v = jinja_copy_text(in, text.data, text.len);
    strbuf_free(&text);
    return v;
}

/* ---- loops ---- */

static void set_loop(struct jinja_interp *in, const struct jinja_list *items, size_t i)
{
    struct jinja_value loop = jinja_dict_new(&in->arena, 10);
    const struct {
        const char *name;
        struct jinja_value value;
    } members[] = {{"index", jinja_int((int64_t)i + 1)},
                   {"index0", jinja_int((int64_t)i)},
                   {"revindex", jinja_int((int64_t)(items->count - i))},
                   {"revindex0", jinja_int((int64_t)(items->count - i) - 1)},
                   {"first", jinja_bool(i == 0)},
                   {"last", jinja_bool(i + 1 == items->count)},
                   {"length", jinja_int((int64_t)items->count)},
                   {"previtem", i > 0 ? items->items[i - 1] : jinja_undefined()},
                   {"nextitem", i + 1 < items->count ? items->items[i + 1] : jinja_undefined()}};
    jinja_step(in, sizeof members);
    for (size_t k = 0; k < sizeof members / sizeof *members; k++)
        loop.dict->members[loop.dict->count++] =
            (struct jinja_member){.key = jinja_text(members[k].name), .value = members[k].value};
    loop.type = JINJA_LOOP;
    set(in, (struct jinja_string){"loop", 4}, loop);
}

/* The items for which the loop's own `if` holds. */
static const struct jinja_list *wanted(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value over = jinja_eval(in, node->a), all = jinja_iterate(in, &over);
    if (!node->b)
        return all.list;
    struct jinja_value kept = jinja_new_list(in, all.list->count);
    struct jinja_scope *outer = in->scope;
    size_t n = 0;
    for (size_t i = 0; i < all.list->count && jinja_ok(in); i++) {
        in->scope = new_scope(in, outer);
        assign(in, node->target, all.list->items[i]);
        const struct jinja_value condition = jinja_eval(in, node->b);
        if (jinja_ok(in) && jinja_truth(&condition))
            kept.list->items[n++] = all.list->items[i];
    }
    in->scope = outer;
    kept.list->count = jinja_ok(in) ? n : 0;
    return kept.list;
}

static enum flow loop(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_scope *outer = in->scope;
    const struct jinja_list *items = wanted(in, node);
    enum flow flow = FLOW_ON;
    for (size_t i = 0; i < items->count && jinja_ok(in) && flow != FLOW_BREAK; i++) {
        in->scope = new_scope(in, outer);
        set_loop(in, items, i);
        assign(in, node->target, items->items[i]);
        flow = run(in, node->body);
    }
    in->scope = outer;
    if (items->count > 0 || !node->orelse || !jinja_ok(in))
        return FLOW_ON;
    in->scope = new_scope(in, outer);
    flow = run(in, node->orelse);
    in->scope = outer;
    return flow;
}

/* ---- macros ---- */

static struct jinja_value call_macro(struct jinja_interp *in, const struct jinja_macro *macro,
                                     const struct jinja_list *args, const struct jinja_dict *keywords)
{
    struct jinja_scope *caller = in->scope, *scope = new_scope(in, macro->scope);
    size_t i = 0, named = 0;
    in->scope = scope;
    for (const struct jinja_node *p = macro->node->list; p && jinja_ok(in); p = p->next, i++) {
        const struct jinja_value *keyword = jinja_dict_get(keywords, jinja_bytes(p->name.data, p->name.len));
        named += keyword != NULL;
        if (i < args->count)
            set(in, p->name, args->items[i]);
        else if (keyword)
            set(in, p->name, *keyword);
        else
            set(in, p->name, p->a ? jinja_eval(in, p->a) : jinja_undefined());
    }
    in->scope = caller;
    if (jinja_ok(in) && (args->count > i || named < keywords->count))
        return jinja_unknown(in, "a macro's further arguments");
    return jinja_ok(in) ? gather(in, macro->node->body, scope) : jinja_undefined();
}

static void define_macro(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_macro *macro = arena_alloc(&in->arena, sizeof *macro);
    *macro = (struct jinja_macro){.node = node, .scope = in->scope};
    set(in, node->name, (struct jinja_value){.type = JINJA_MACRO, .macro = macro});
}

/* ---- statements ---- */

static void print(struct jinja_interp *in, const struct jinja_value *v)
{
    if (jinja_ok(in))
        jinja_put_text(in, v, in->out);
}

/* {% generation %}: what it prints is a span, if it is printed to the text itself. */
static void generation(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_output *whole = in->whole;
    const struct jinja_value text = gather(in, node->body, new_scope(in, in->scope));
    if (!jinja_ok(in))
        return;
    if (in->out != &whole->text || whole->n_spans == JINJA_SPANS_MAX) {
        jinja_unknown(in, "generation within a macro or a set block, or that many of them");
        return;
    }
    whole->spans[whole->n_spans].begin = whole->text.len;
    print(in, &text);
    whole->spans[whole->n_spans++].end = whole->text.len;
}

static enum flow statement(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_value v;
    switch (node->kind) {
    case NODE_TEXT: print(in, &node->constant); return FLOW_ON;
    case NODE_PRINT:
        v = jinja_eval(in, node->a);
        print(in, &v);
        return FLOW_ON;
    case NODE_IF:
        v = jinja_eval(in, node->a);
        return jinja_ok(in) ? run(in, jinja_truth(&v) ? node->body : node->orelse) : FLOW_ON;
    case NODE_FOR: return loop(in, node);
    case NODE_SET:
        v = node->a ? jinja_eval(in, node->a) : gather(in, node->body, new_scope(in, in->scope));
        assign(in, node->target, v);
        return FLOW_ON;
    case NODE_MACRO: define_macro(in, node); return FLOW_ON;
    case NODE_GENERATION: generation(in, node); return FLOW_ON;
    case NODE_BREAK: return FLOW_BREAK;
    case NODE_CONTINUE: return FLOW_CONTINUE;
    default: jinja_unknown(in, "a statement of this form"); return FLOW_ON;
    }
}

static enum flow run(struct jinja_interp *in, const struct jinja_node *body)
{
    enum flow flow = FLOW_ON;
    if (++in->depth > JINJA_MAX_CALLS)
        jinja_unknown(in, "nesting that deep");
    for (; body && flow == FLOW_ON && jinja_step(in, 0); body = body->next)
        flow = statement(in, body);
    in->depth--;
    return flow;
}

void jinja_exec(struct jinja_interp *in, const struct jinja_node *body)
{
    in->call_macro = call_macro;
    if (run(in, body) != FLOW_ON)
        jinja_unknown(in, "a break outside of a loop");
}

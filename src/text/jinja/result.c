#include "text/jinja/result.h"

void jinja_output_free(struct jinja_output *out)
{
    strbuf_free(&out->text);
    *out = (struct jinja_output){0};
}

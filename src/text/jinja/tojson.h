/* The filter tojson as transformers defines it: json.dumps with ensure_ascii=False, unless told otherwise. */
#ifndef SFT_TEXT_JINJA_TOJSON_H
#define SFT_TEXT_JINJA_TOJSON_H

#include "text/jinja/interp.h"

struct jinja_value jinja_tojson(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args);

#endif

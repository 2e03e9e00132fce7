#include "data/readers/marks.h"

const json *mark_read(const json *node)
{
    json_set_mark(node, MARK_READ);
    return node;
}

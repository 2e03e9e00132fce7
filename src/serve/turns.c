#include "serve/turns.h"

void turns_deal(struct turn *turns, size_t n, size_t places)
{
    size_t dealt = places;
    for (size_t i = 0; i < n; i++)
        turns[i].places = 0;
    while (dealt > 0) { /* a round in which nobody took one is the last */
        dealt = 0;
        for (size_t i = 0; i < n && places > 0; i++)
            if (turns[i].places < turns[i].wanted) {
                turns[i].places++;
                places--;
                dealt++;
            }
    }
}

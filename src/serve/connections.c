#include "serve/connections.h"

#include "base/clock.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <sys/socket.h>

void connections_init(struct connections *list, double seconds)
{
    *list = (struct connections){.seconds = seconds};
    pthread_mutex_init(&list->lock, NULL);
}

void connections_free(struct connections *list)
{
    pthread_mutex_destroy(&list->lock);
}

struct connection *connection_open(struct connections *list, int fd)
{
    struct connection *c = mem_calloc(1, sizeof *c);
    c->fd = fd;
    c->deadline = clock_seconds() + list->seconds;
    pthread_mutex_lock(&list->lock);
    c->next = list->first;
    c->here = &list->first;
    if (c->next)
        c->next->here = &c->next;
    list->first = c;
    pthread_mutex_unlock(&list->lock);
    return c;
}

void connection_close(struct connections *list, struct connection *c)
{
    pthread_mutex_lock(&list->lock);
    *c->here = c->next;
    if (c->next)
        c->next->here = c->here;
    pthread_mutex_unlock(&list->lock);
    free(c);
}

static void set_deadline(struct connections *list, struct connection *c, double deadline)
{
    pthread_mutex_lock(&list->lock);
    c->deadline = deadline;
    pthread_mutex_unlock(&list->lock);
}

void connection_answers(struct connections *list, struct connection *c)
{
    set_deadline(list, c, INFINITY);
}

void connection_reads(struct connections *list, struct connection *c, double idle)
{
    set_deadline(list, c, clock_seconds() + idle + list->seconds);
}

void connections_end_late(struct connections *list)
{
    const double now = clock_seconds();
    pthread_mutex_lock(&list->lock);
    for (struct connection *c = list->first; c; c = c->next)
        if (c->deadline <= now)
            shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&list->lock);
}

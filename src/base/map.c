#include "base/map.h"

#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the register ----
 *
 * Chunks of slots, which only grow: a signal handler may walk them at any moment. A slot is in use while it has a
 * name; its bounds are written before that and not changed until it has none. */

enum { CHUNK_SLOTS = 64 };

struct slot {
    _Atomic(char *) name;
    uintptr_t start, end;
};
struct chunk {
    struct slot slots[CHUNK_SLOTS];
    _Atomic(struct chunk *) next;
};

static struct chunk first_chunk;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of who writes */

/* A slot without a name. */
static struct slot *free_slot(void)
{
    for (struct chunk *chunk = &first_chunk;;) {
        for (size_t i = 0; i < CHUNK_SLOTS; i++)
            if (!atomic_load(&chunk->slots[i].name))
                return &chunk->slots[i];
        struct chunk *next = atomic_load(&chunk->next);
        if (!next) {
            next = mem_calloc(1, sizeof *next);
            atomic_store(&chunk->next, next);
        }
        chunk = next;
    }
}

/* The slot of the map that holds `address`, or NULL. */
static struct slot *find_slot(uintptr_t address)
{
    for (struct chunk *chunk = &first_chunk; chunk; chunk = atomic_load(&chunk->next))
        for (size_t i = 0; i < CHUNK_SLOTS; i++) {
            struct slot *slot = &chunk->slots[i];
            if (atomic_load(&slot->name) && address >= slot->start && address < slot->end)
                return slot;
        }
    return NULL;
}

void map_register(const void *data, size_t size, const char *name)
{
    if (size == 0)
        return;
    pthread_mutex_lock(&lock);
    struct slot *slot = free_slot();
    slot->start = (uintptr_t)data;
    slot->end = slot->start + size;
    atomic_store(&slot->name, mem_strdup(name));
    pthread_mutex_unlock(&lock);
}

void map_unregister(const void *data)
{
    pthread_mutex_lock(&lock);
    struct slot *slot = find_slot((uintptr_t)data);
    if (slot)
        free(atomic_exchange(&slot->name, NULL));
    pthread_mutex_unlock(&lock);
}

/* ---- faults ---- */

static _Thread_local sigjmp_buf *guard;

static void say(const char *text)
{
    size_t len = strlen(text);
    for (ssize_t n; len > 0 && (n = write(STDERR_FILENO, text, len)) > 0; text += n)
        len -= (size_t)n;
}

/* Only what a signal handler may do. */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    static atomic_flag is_said = ATOMIC_FLAG_INIT;
    (void)context;
    const struct slot *slot = find_slot((uintptr_t)info->si_addr);
    const char *name = slot ? atomic_load(&slot->name) : NULL;
    if (!name) { /* none of ours: what the system does */
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    if (guard)
        siglongjmp(*guard, 1);
    if (!atomic_flag_test_and_set(&is_said)) {
        say("error: ");
        for (const char *c = name; *c; c++) { /* a name may hold anything */
            const char shown[2] = {(unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c, '\0'};
            say(shown);
        }
        say(": cut short, or not readable any more, while it was in use (leave it as it is until this ends; run "
            "again)\n");
        _exit(1);
    }
    for (;;) /* another thread says it */
        pause();
}

void map_catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
}

bool map_read_guarded(bool (*read)(void *context), void *context)
{
    sigjmp_buf here, *const outer = guard;
    volatile bool result = false;
    if (sigsetjmp(here, 1) == 0) {
        guard = &here;
        result = read(context);
    }
    guard = outer;
    return result;
}

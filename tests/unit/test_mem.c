/* What there is of memory, read from fixtures of what Linux tells, and what becomes of an allocation that fails. */
#include "base/mem.h"

#include "scratch.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

static const size_t MB = 1000000;

/* The sanitizers' malloc fails like any other, rather than to end the program. Their library looks this name up, so it
   is not hidden as the others are. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Write a file below the scratch directory, with the directories that lead to it. */
static void give(const char *name, const char *fmt, ...) SFT_PRINTF(2, 3);
static void give(const char *name, const char *fmt, ...)
{
    char text[512], *path = path_join(dir, name), *parent = path_dirname(path);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    check_ok(io_mkdirs(parent, &err));
    put(name, text);
    free(parent);
    free(path);
}

static void give_system(size_t available)
{
    give("proc/meminfo", "MemTotal:       32000000 kB\nMemFree:          123456 kB\nMemAvailable:   %zu kB\n"
                         "Cached:          9999999 kB\n", available / 1024);
}

static void check_available(size_t bytes)
{
    ck_assert_uint_eq(mem_available_below(dir), bytes);
}

START_TEST(without_groups_the_system_says)
{
    check_available(SIZE_MAX); /* nothing tells */
    give_system(4096 * MB);
    check_available(4096 * MB);
}
END_TEST

/* A group of version 2 in which 6000 MB are used, 5500 of them the page cache of files. */
static void give_v2(const char *group, const char *max)
{
    char name[128];
    snprintf(name, sizeof name, "sys/fs/cgroup%s/memory.max", group);
    give(name, "%s\n", max);
    snprintf(name, sizeof name, "sys/fs/cgroup%s/memory.current", group);
    give(name, "6000000000\n");
    snprintf(name, sizeof name, "sys/fs/cgroup%s/memory.stat", group);
    give(name, "anon 400000000\nfile 5600000000\nshmem 100000000\ninactive_file 5000000000\nactive_file 450000000\n"
               "slab_reclaimable 50000000\nslab_unreclaimable 1000000\nworkingset_refault_file 77777777777\n");
}

START_TEST(the_page_cache_of_a_group_is_available)
{
    give_system(64000 * MB);
    give("proc/self/cgroup", "0::/user.slice/job\n");
    give_v2("/user.slice/job", "6200000000");
    check_available(5700 * MB);
    give_v2("/user.slice/job", "max");
    check_available(64000 * MB);
    give("sys/fs/cgroup/user.slice/job/memory.high", "1500000000\n"); /* above this it is slowed down to a crawl */
    check_available(1000 * MB);
    give("sys/fs/cgroup/user.slice/job/memory.high", "400000000\n");
    check_available(0);
}
END_TEST

START_TEST(the_groups_above_limit_too)
{
    give_system(64000 * MB);
    give("proc/self/cgroup", "0::/user.slice/job/step\n");
    give_v2("/user.slice/job/step", "max");
    give_v2("/user.slice", "2500000000");
    check_available(2000 * MB);
    give_system(1024 * MB);
    check_available(1024 * MB);
}
END_TEST

/* As Docker has it without a namespace of groups: the path is the host's, the mount is the container's. */
START_TEST(a_path_that_is_not_there_means_the_mount_itself)
{
    give_system(64000 * MB);
    give("proc/self/cgroup", "5:cpu,cpuacct:/docker/4f2a\n4:memory:/docker/4f2a\n0::/\n");
    give("sys/fs/cgroup/memory/memory.limit_in_bytes", "8000000000\n");
    give("sys/fs/cgroup/memory/memory.usage_in_bytes", "7900000000\n");
    give("sys/fs/cgroup/memory/memory.stat", "cache 1\ninactive_file 2\ntotal_cache 7000000000\n"
                                             "total_inactive_file 4000000000\ntotal_active_file 3000000000\n");
    check_available(7100 * MB);
}
END_TEST

START_TEST(groups_of_version_1)
{
    give_system(64000 * MB);
    give("proc/self/cgroup", "9:name=systemd:/\n8:devices,memory:/batch/17\n7:memory_of_others:/x\n0::/\n");
    give("sys/fs/cgroup/memory/batch/17/memory.limit_in_bytes", "3000000000\n");
    give("sys/fs/cgroup/memory/batch/17/memory.usage_in_bytes", "2900000000\n");
    give("sys/fs/cgroup/memory/batch/17/memory.stat", "total_inactive_file 2400000000\ntotal_active_file 100000000\n");
    give("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
    give("sys/fs/cgroup/memory/memory.usage_in_bytes", "40000000000\n");
    check_available(2600 * MB);
}
END_TEST

START_TEST(this_process_can_have_some)
{
    ck_assert_uint_gt(mem_available(), 1 * MB);
    ck_assert_uint_ge(mem_available_below(""), mem_available());
}
END_TEST

static void fail_to_allocate(void)
{
    volatile size_t count = SIZE_MAX / 16;
    free(mem_realloc(NULL, count, 8)); /* one that no system can give */
}

static void fail_to_multiply(void)
{
    volatile size_t count = SIZE_MAX / 4;
    free(mem_calloc(count, 8));
}

START_TEST(an_allocation_that_fails_ends_the_program_with_a_message)
{
    void (*const fail[])(void) = {fail_to_allocate, fail_to_multiply};
    int pipe_fds[2], status;
    char text[4096] = "";
    ck_assert_int_eq(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(pipe_fds[1], STDERR_FILENO);
        fail[_i]();
        _exit(0);
    }
    close(pipe_fds[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(pipe_fds[0], text + used, sizeof text - 1 - used)) > 0;)
        used += (size_t)n;
    close(pipe_fds[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %d: %s", status, text);
    ck_assert_msg(strstr(text, "error: out of memory: "), "%s", text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mem");
    TCase *tests = tcase_create("mem");
    tcase_add_checked_fixture(tests, make_dir, remove_dir);
    tcase_add_test(tests, without_groups_the_system_says);
    tcase_add_test(tests, the_page_cache_of_a_group_is_available);
    tcase_add_test(tests, the_groups_above_limit_too);
    tcase_add_test(tests, a_path_that_is_not_there_means_the_mount_itself);
    tcase_add_test(tests, groups_of_version_1);
    tcase_add_test(tests, this_process_can_have_some);
    tcase_add_loop_test(tests, an_allocation_that_fails_ends_the_program_with_a_message, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}

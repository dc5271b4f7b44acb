/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of Redis: a sorted set of events for each entity.
 *
 * Owns a server process of its own, on another core, on a Unix socket, without
 * persistence. `pipeline` fetches the longest window of each entity and folds it
 * here; `lua` has a script fold it there.
 * Keeps it fair: one round trip a batch, one pass over the longest window.
 * Never talks to a server it did not start.
 */
#include "windows_read.h"

#ifdef BENCH_REDIS
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPELINE 500

struct redis {
    pid_t server;
    redisContext *link;
    int64_t from[WINDOWS_COUNT];
    char bounds[WINDOWS_COUNT + 1][24]; /* as texts; the last: the end */
    char script[48];                    /* its sum */
};

/* Members are time:number:amount. */
static const char script[] =
    "local from = {tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])}\n"
    "local answer = {}\n"
    "for _, key in ipairs(KEYS) do\n"
    "  local c = {false, 0, false, false, false, 0, false, false, false, 0,"
    " false, false}\n"
    "  local got = redis.call('ZRANGEBYSCORE', key, ARGV[3], '(' .. ARGV[4])\n"
    "  for _, member in ipairs(got) do\n"
    "    local t, v = string.match(member, '^(%d+):%d+:(%d+)$')\n"
    "    t = tonumber(t)\n"
    "    v = tonumber(v)\n"
    "    for w = 1, 3 do\n"
    "      if t >= from[w] then\n"
    "        local at = 4 * w\n"
    "        c[at - 3] = (c[at - 3] or 0) + v\n"
    "        c[at - 2] = c[at - 2] + 1\n"
    "        if not c[at - 1] or v < c[at - 1] then c[at - 1] = v end\n"
    "        if not c[at] or v > c[at] then c[at] = v end\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  for i = 1, 12 do answer[#answer + 1] = c[i] end\n"
    "end\n"
    "return answer\n";

static redisReply *
receive(struct redis *at)
{
    void *reply;

    if (redisGetReply(at->link, &reply))
        times_die("Redis: %s", at->link->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
        times_die("Redis: %s", ((redisReply *)reply)->str);
    return reply;
}

/* --- reads ------------------------------------------------------------------------ */

static void
fold(const struct redis *at, const redisReply *members, int64_t *cells)
{
    windows_clear(cells);
    for (size_t i = 0; i < members->elements; i++) {
        char *rest;
        int64_t time = strtoll(members->element[i]->str, &rest, 10);
        int64_t amount;

        strtoll(rest + 1, &rest, 10);
        amount = strtoll(rest + 1, NULL, 10);
        for (int w = 0; w < WINDOWS_COUNT; w++)
            if (time >= at->from[w])
                windows_add(cells + 4 * w, amount);
    }
}

static void
read_pipeline(void *state, const int64_t *keys, int64_t *cells)
{
    struct redis *at = state;
    int64_t own[WINDOWS_CELLS];

    for (int i = 0; i < WINDOWS_ROWS; i++)
        redisAppendCommand(at->link, "ZRANGEBYSCORE %" PRId64 " %s (%s",
                           keys[i], at->bounds[WINDOWS_COUNT - 1],
                           at->bounds[WINDOWS_COUNT]);
    for (int i = 0; i < WINDOWS_ROWS; i++) {
        redisReply *reply = receive(at);

        fold(at, reply, cells ? cells + i * WINDOWS_CELLS : own);
        freeReplyObject(reply);
    }
}

static void
read_lua(void *state, const int64_t *keys, int64_t *cells)
{
    struct redis *at = state;
    const char *arguments[WINDOWS_ROWS + 3 + WINDOWS_COUNT + 1];
    char names[WINDOWS_ROWS][24], count[8];
    redisReply *reply;
    int used = 0;

    snprintf(count, sizeof count, "%d", WINDOWS_ROWS);
    arguments[used++] = "EVALSHA";
    arguments[used++] = at->script;
    arguments[used++] = count;
    for (int i = 0; i < WINDOWS_ROWS; i++) {
        snprintf(names[i], sizeof names[i], "%" PRId64, keys[i]);
        arguments[used++] = names[i];
    }
    for (int i = 0; i <= WINDOWS_COUNT; i++)
        arguments[used++] = at->bounds[i];
    redisAppendCommandArgv(at->link, used, arguments, NULL);
    reply = receive(at);
    if (reply->elements != WINDOWS_ROWS * WINDOWS_CELLS)
        times_die("Redis: %zu cells", reply->elements);
    for (int i = 0; cells && i < WINDOWS_ROWS * WINDOWS_CELLS; i++)
        cells[i] = reply->element[i]->type == REDIS_REPLY_INTEGER
                       ? reply->element[i]->integer
                       : WINDOWS_NULL;
    freeReplyObject(reply);
}

/* --- the server ------------------------------------------------------------------- */

/* The first core that we may use and do not. */
static void
move_away(void)
{
    int here = sched_getcpu();
    cpu_set_t set;

    for (int core = 0; core < (int)sysconf(_SC_NPROCESSORS_ONLN); core++) {
        CPU_ZERO(&set);
        CPU_SET((unsigned)core, &set);
        if (core != here && !sched_setaffinity(0, sizeof set, &set))
            return;
    }
}

static void
serve(const char *directory, const char *socket)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    move_away();
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it ends with the bench */
    if (chdir(directory) || nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        _exit(127);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
           socket, "--save", "", "--appendonly", "no", "--daemonize", "no",
           (char *)NULL);
    _exit(127);
}

/* The socket's path is short: it has to fit 108 bytes wherever we run. */
static int
start(struct redis *at, const char *directory)
{
    char socket[64];

    mkdir(directory, 0700);
    snprintf(socket, sizeof socket, "/tmp/feature-windows-%d.sock",
             (int)getpid());
    fflush(stdout);
    at->server = fork();
    if (!at->server)
        serve(directory, socket);
    for (int tries = 0; tries < 100 && !at->link; tries++) {
        usleep(50000);
        if (waitpid(at->server, NULL, WNOHANG) == at->server)
            return 0;
        at->link = redisConnectUnix(socket);
        if (!at->link || !at->link->err)
            continue;
        redisFree(at->link);
        at->link = NULL;
    }
    unlink(socket); /* the connection stays */
    return at->link != NULL;
}

static void
close_reader(void *state)
{
    struct redis *at = state;

    redisFree(at->link);
    kill(at->server, SIGTERM);
    waitpid(at->server, NULL, 0);
    free(at);
}

static void
load(struct redis *at, const struct windows_task *task)
{
    struct windows_events events =
        windows_events(task->entities, task->rate, 0, task->rate);

    for (size_t i = 0; i < events.count; i++) {
        redisAppendCommand(at->link,
                           "ZADD %" PRId64 " %" PRId64 " %" PRId64 ":%" PRIu64
                           ":%" PRId64,
                           events.keys[i], events.times[i], events.times[i],
                           (uint64_t)i, events.amounts[i]);
        if ((i + 1) % PIPELINE && i + 1 < events.count)
            continue;
        for (size_t left = i % PIPELINE + 1; left; left--)
            freeReplyObject(receive(at));
    }
    windows_events_free(&events);
}

struct windows_reader
windows_redis(const struct windows_task *task, int is_lua)
{
    struct redis *at = times_room(sizeof *at);
    redisReply *reply;

    if (!start(at, task->place)) {
        free(at);
        return (struct windows_reader){0};
    }
    for (int i = 0; i <= WINDOWS_COUNT; i++) {
        int64_t bound = i < WINDOWS_COUNT ? task->from[i] : WINDOWS_NOW;

        snprintf(at->bounds[i], sizeof at->bounds[i], "%" PRId64, bound);
        if (i < WINDOWS_COUNT)
            at->from[i] = bound;
    }
    load(at, task);
    redisAppendCommand(at->link, "SCRIPT LOAD %s", script);
    reply = receive(at);
    snprintf(at->script, sizeof at->script, "%s", reply->str);
    freeReplyObject(reply);
    return (struct windows_reader){at, is_lua ? read_lua : read_pipeline,
                                   close_reader};
}
#else
struct windows_reader
windows_redis(const struct windows_task *task, int is_lua)
{
    (void)task;
    (void)is_lua;
    return (struct windows_reader){0};
}
#endif

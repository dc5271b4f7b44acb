/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis on a Unix socket: MGET of packed rows, and HMGET of 20 fields.
 *
 * Owns a server process of its own, on the other core, without persistence.
 * Keeps it fair: one pipeline a batch, values as the same bytes, wall time.
 * Never talks to a server it did not start.
 */
#include "peers.h"

#ifdef BENCH_REDIS
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

#define PIPELINE 500 /* commands in flight while loading */

struct redis {
    const struct dataset *data;
    pid_t server;
    char directory[PATH_SIZE];
    redisContext *link;
};

struct redis_reader {
    struct reader reader;
    struct redis *redis;
};

/* A command's arguments. Keys are one letter and the encoded key. */
struct command {
    int count;
    const char **arguments;
    size_t *sizes;
    uint8_t *keys;
};

static const char field_names[BLOCK][4] = {
    "f0",  "f1",  "f2",  "f3",  "f4",  "f5",  "f6",  "f7",  "f8",  "f9",
    "f10", "f11", "f12", "f13", "f14", "f15", "f16", "f17", "f18", "f19"};

static void
command_make(struct command *command, size_t room)
{
    *command = (struct command){.arguments = bench_alloc(room, sizeof(char *)),
                                .sizes = bench_alloc(room, sizeof(size_t)),
                                .keys = bench_alloc(room, KEY_MAX + 1)};
}

static void
command_free(struct command *command)
{
    free(command->arguments);
    free(command->sizes);
    free(command->keys);
}

static void
add(struct command *command, const void *argument, size_t size)
{
    command->arguments[command->count] = argument;
    command->sizes[command->count++] = size;
}

static void
add_key(struct command *command, char kind, const void *key, size_t size)
{
    uint8_t *to = command->keys + (size_t)command->count * (KEY_MAX + 1);

    to[0] = (uint8_t)kind;
    memcpy(to + 1, key, size);
    add(command, to, size + 1);
}

static void
send_command(struct redis *redis, struct command *command)
{
    if (redisAppendCommandArgv(redis->link, command->count, command->arguments,
                               command->sizes))
        bench_fail("Redis: %s", redis->link->errstr);
    command->count = 0;
}

static redisReply *
receive(struct redis *redis)
{
    void *reply;

    if (redisGetReply(redis->link, &reply))
        bench_fail("Redis: %s", redis->link->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
        bench_fail("Redis: %s", ((redisReply *)reply)->str);
    return reply;
}

static void
read_packed(struct reader *reader, const struct keys *keys, size_t first,
            size_t count, float *matrix)
{
    struct redis *redis = ((struct redis_reader *)reader)->redis;
    struct command command;
    redisReply *reply;

    command_make(&command, count + 1);
    add(&command, "MGET", 4);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[KEY_MAX];
        size_t size = dataset_encode(keys, first + i, key);

        add_key(&command, 'r', key, size);
    }
    send_command(redis, &command);
    reply = receive(redis);
    for (size_t i = 0; i < count; i++) {
        const redisReply *value = reply->element[i];
        float *cells = matrix + i * reader->width;

        if (value->type == REDIS_REPLY_STRING)
            rows_decode(&redis->data->shape, (const uint8_t *)value->str,
                        cells);
        else
            rows_absent(reader->width, cells);
    }
    freeReplyObject(reply);
    command_free(&command);
}

static float
decode_field(const redisReply *value, char type)
{
    int64_t wide;
    double number;
    int32_t narrow;
    float single;

    switch (value->type == REDIS_REPLY_STRING ? type : 0) {
    case 'b':
        return *value->str ? 1.0f : 0.0f;
    case 'f':
        memcpy(&single, value->str, sizeof single);
        return single;
    case 'd':
        memcpy(&number, value->str, sizeof number);
        return (float)number;
    case 'w':
        memcpy(&narrow, value->str, sizeof narrow);
        return (float)narrow;
    case 'i':
        memcpy(&wide, value->str, sizeof wide);
        return (float)wide;
    default:
        return NAN;
    }
}

static void
read_hashes(struct reader *reader, const struct keys *keys, size_t first,
            size_t count, float *matrix)
{
    struct redis *redis = ((struct redis_reader *)reader)->redis;
    struct command command;

    command_make(&command, BLOCK + 2);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[KEY_MAX];
        size_t size = dataset_encode(keys, first + i, key);

        add(&command, "HMGET", 5);
        add_key(&command, 'h', key, size);
        for (int j = 0; j < BLOCK; j++)
            add(&command, field_names[j], strlen(field_names[j]));
        send_command(redis, &command);
    }
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = receive(redis);

        for (size_t j = 0; j < BLOCK; j++)
            matrix[i * reader->width + j] =
                decode_field(reply->element[j], PATTERN[j]);
        freeReplyObject(reply);
    }
    command_free(&command);
}

/* HSET of one row: its values as the bytes of their types. */
static void
add_fields(struct command *command, uint64_t id, uint64_t values[BLOCK])
{
    for (uint32_t i = 0; i < BLOCK; i++) {
        uint64_t value = rows_value(id, 0, i);
        float single = rows_float(value, PATTERN[i]);
        double wide = rows_double(value);
        size_t size = 8;

        values[i] = value;
        if (PATTERN[i] == 'd')
            memcpy(&values[i], &wide, 8);
        if (PATTERN[i] == 'f')
            memcpy(&values[i], &single, 4);
        if (PATTERN[i] == 'b')
            values[i] = value & 1;
        if (PATTERN[i] == 'f' || PATTERN[i] == 'w')
            size = 4;
        if (PATTERN[i] == 'b')
            size = 1;
        add(command, field_names[i], strlen(field_names[i]));
        add(command, &values[i], size);
    }
}

static double
used_memory(struct redis *redis)
{
    redisReply *reply = redisCommand(redis->link, "INFO memory");
    const char *at = reply ? strstr(reply->str, "used_memory:") : NULL;
    double used = at ? strtod(at + 12, NULL) : 0;

    freeReplyObject(reply);
    return used;
}

static void
load(struct redis *redis, bool packed)
{
    struct feed feed = feed_begin(redis->data);
    double before = used_memory(redis);
    uint64_t values[BLOCK];
    struct command command;

    command_make(&command, 2 * BLOCK + 2);
    while (feed_next(&feed)) {
        add(&command, packed ? "SET" : "HSET", packed ? 3 : 4);
        add_key(&command, packed ? 'r' : 'h', feed.key, feed.key_size);
        if (packed)
            add(&command, feed.row, feed.row_size);
        else
            add_fields(&command, feed.id, values);
        send_command(redis, &command);
        if (feed.at % PIPELINE && feed.at < redis->data->rows)
            continue;
        for (uint64_t i = (feed.at - 1) % PIPELINE + 1; i; i--)
            freeReplyObject(receive(redis));
    }
    feed_end(&feed);
    command_free(&command);
    report_fact(packed ? "Redis used_memory, packed rows"
                       : "Redis used_memory, hashes of 20 fields",
                (used_memory(redis) - before) / (double)redis->data->rows,
                "B/row");
}

static void
close_reader(struct reader *reader)
{
    free(reader);
}

struct reader *
reader_redis(struct redis *redis, bool packed)
{
    struct redis_reader *made;

    if (!redis)
        return NULL;
    made = bench_alloc(1, sizeof *made);
    load(redis, packed);
    made->redis = redis;
    made->reader =
        (struct reader){.name = packed ? "Redis MGET packed" : "Redis HMGET",
                        .width = BLOCK,
                        .read = packed ? read_packed : read_hashes,
                        .close = close_reader};
    return &made->reader;
}

static void
serve(const char *directory, const char *socket)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    bench_pin(1);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it ends with the bench */
    if (chdir(directory) || nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        _exit(127);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
           socket, "--save", "", "--appendonly", "no", "--daemonize", "no",
           (char *)NULL);
    _exit(127);
}

static void
report_version(struct redis *redis)
{
    redisReply *reply = redisCommand(redis->link, "INFO server");
    const char *at = reply ? strstr(reply->str, "redis_version:") : NULL;

    report_text("Redis", "%.*s, hiredis %d.%d.%d",
                at ? (int)strcspn(at + 14, "\r\n") : 0, at ? at + 14 : "",
                HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    freeReplyObject(reply);
}

static void
stop_server(struct redis *redis)
{
    if (redis->server <= 0)
        return;
    kill(redis->server, SIGTERM);
    waitpid(redis->server, NULL, 0);
}

/* The socket's path is short: it has to fit 108 bytes wherever we run. */
struct redis *
redis_start(const struct dataset *data)
{
    struct redis *made = bench_alloc(1, sizeof *made);
    char socket[64];
    int tries;

    made->data = data;
    store_path(made->directory, settings.reads, "redis", "");
    store_directory(made->directory);
    snprintf(socket, sizeof socket, "/tmp/feature-bench-%d.sock",
             (int)getpid());
    fflush(stdout);
    made->server = fork();
    if (!made->server)
        serve(made->directory, socket);
    for (tries = 0; tries < 100 && !made->link; tries++) {
        usleep(50000);
        if (waitpid(made->server, NULL, WNOHANG) == made->server) {
            made->server = 0;
            break;
        }
        made->link = redisConnectUnix(socket);
        if (!made->link || !made->link->err)
            continue;
        redisFree(made->link);
        made->link = NULL;
    }
    unlink(socket); /* the connection stays */
    if (made->link) {
        report_version(made);
        return made;
    }
    report_text("Redis", "redis-server did not start, skipped");
    stop_server(made);
    free(made);
    return NULL;
}

void
redis_stop(struct redis *redis)
{
    if (!redis)
        return;
    redisFree(redis->link);
    stop_server(redis);
    store_remove(redis->directory);
    free(redis);
}
#else
struct redis *
redis_start(const struct dataset *data)
{
    (void)data;
    report_text("Redis", PEER_SKIPPED);
    return NULL;
}

void
redis_stop(struct redis *redis)
{
    (void)redis;
}

struct reader *
reader_redis(struct redis *redis, bool packed)
{
    (void)redis;
    (void)packed;
    return NULL;
}
#endif

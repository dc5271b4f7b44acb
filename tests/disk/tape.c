/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording.
 *
 * Owns the events, their bytes, and the numbers of the objects they are of.
 * Keeps an object its number through every rename; an inode that is used again
 * becomes another object.
 * Never records what failed.
 */
#include "disk/tape.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/dice.h"

static struct tape *recording;
static uint32_t failing; /* percent of the syncs */
static struct dice dice;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void
give_up(const char *why)
{
    fprintf(stderr, "tape: %s\n", why);
    _exit(2);
}

struct shim *
tape_shim(void)
{
    void *found = dlsym(RTLD_DEFAULT, "shim_state");
    struct shim *(*state)(void);

    if (!found)
        give_up("shim.so is not preloaded");
    memcpy(&state, &found, sizeof state);
    return state();
}

/* Room for one more, in an array that doubles. */
static void *
extend(void *array, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 1024;
    array = realloc(array, *room * size);
    if (!array)
        give_up("no memory");
    return array;
}

static uint32_t
add_object(struct tape *tape, uint64_t inode, bool is_directory)
{
    uint32_t room = tape->objects_room;

    tape->inodes =
        extend(tape->inodes, tape->objects, &room, sizeof *tape->inodes);
    tape->directories = extend(tape->directories, tape->objects,
                               &tape->objects_room, sizeof *tape->directories);
    tape->inodes[tape->objects] = inode;
    tape->directories[tape->objects] = is_directory;
    return tape->objects++;
}

static uint32_t
object_of(const struct tape *tape, uint64_t inode)
{
    for (uint32_t i = tape->objects; i--;)
        if (tape->inodes[i] == inode)
            return i;
    give_up("a file of unknown origin");
    return 0;
}

static struct tape_event *
add_event(struct tape *tape, enum tape_kind kind)
{
    struct tape_event *event;

    tape->events =
        extend(tape->events, tape->count, &tape->room, sizeof *tape->events);
    event = &tape->events[tape->count++];
    *event = (struct tape_event){.kind = kind};
    return event;
}

static void
copy_name(char to[TAPE_NAME_SIZE], const char *name)
{
    if (strlen(name) >= TAPE_NAME_SIZE)
        give_up("a name is too long");
    memcpy(to, name, strlen(name) + 1);
}

static void
add_bytes(struct tape *tape, const struct shim_call *call, size_t size)
{
    size_t left = size;

    while (tape->size + size > tape->bytes_room) {
        tape->bytes_room = tape->bytes_room ? tape->bytes_room * 2 : 1 << 20;
        tape->bytes = realloc(tape->bytes, tape->bytes_room);
        if (!tape->bytes)
            give_up("no memory");
    }
    for (int i = 0; i < call->count && left; i++) {
        size_t part = call->parts[i].iov_len;

        part = part < left ? part : left;
        memcpy(tape->bytes + tape->size, call->parts[i].iov_base, part);
        tape->size += part;
        left -= part;
    }
}

static void
record_made(struct tape *tape, const struct shim_call *call, bool is_directory)
{
    struct tape_event *event;
    struct stat at;

    if (fstatat(call->at.directory, call->at.name, &at, AT_SYMLINK_NOFOLLOW))
        give_up("what was made is gone");
    event = add_event(tape, TAPE_MAKE);
    event->is_directory = is_directory;
    event->parent = object_of(tape, call->at.inode);
    event->object = add_object(tape, at.st_ino, is_directory);
    copy_name(event->name, call->at.name);
}

static void
record_write(struct tape *tape, const struct shim_call *call, size_t size)
{
    struct tape_event *event = add_event(tape, TAPE_WRITE);

    event->object = object_of(tape, call->inode);
    event->is_durable = call->flags & O_DSYNC;
    event->offset = (uint64_t)call->offset;
    event->size = size;
    event->bytes = tape->size;
    add_bytes(tape, call, size);
}

static void
record_rename(struct tape *tape, const struct shim_call *call)
{
    struct tape_event *event;
    struct stat at;

    if (fstatat(call->to.directory, call->to.name, &at, AT_SYMLINK_NOFOLLOW))
        give_up("what was renamed is gone");
    event = add_event(tape, TAPE_RENAME);
    event->object = object_of(tape, at.st_ino);
    event->parent = object_of(tape, call->at.inode);
    event->to = object_of(tape, call->to.inode);
    copy_name(event->name, call->at.name);
    copy_name(event->to_name, call->to.name);
}

static void
record_file(struct tape *tape, const struct shim_call *call,
            enum tape_kind kind)
{
    struct tape_event *event = add_event(tape, kind);

    event->object = object_of(tape, call->inode);
    event->offset = call->size;
}

static void
record(struct tape *tape, const struct shim_call *call, long result)
{
    struct tape_event *event;

    switch (call->kind) {
    case SHIM_CREATE:
        if (call->flags & O_TRUNC)
            give_up("a file is emptied; that is not recorded");
        record_made(tape, call, false);
        break;
    case SHIM_MKDIR:
        record_made(tape, call, true);
        break;
    case SHIM_WRITE:
        record_write(tape, call, (size_t)result);
        break;
    case SHIM_SIZE:
        record_file(tape, call, TAPE_SIZE);
        break;
    case SHIM_SYNC:
        record_file(tape, call, TAPE_SYNC);
        break;
    case SHIM_RENAME:
        record_rename(tape, call);
        break;
    case SHIM_UNLINK:
        event = add_event(tape, TAPE_UNLINK);
        event->parent = object_of(tape, call->at.inode);
        copy_name(event->name, call->at.name);
        break;
    case SHIM_REMARK:
        event = add_event(tape, TAPE_REMARK);
        event->offset = (uint64_t)call->offset;
        memcpy(&event->object, call->parts->iov_base, sizeof event->object);
        break;
    }
}

static bool
fails(const struct shim_call *call)
{
    return call->kind == SHIM_SYNC && failing &&
           !recording->directories[object_of(recording, call->inode)] &&
           dice_below(&dice, 100) < failing;
}

static long
hook(struct shim_call *call)
{
    long result = (long)call->size;
    int code;

    pthread_mutex_lock(&mutex);
    if (fails(call)) {
        record_file(recording, call, TAPE_FORGET);
        result = -1;
        errno = EIO;
    } else if (call->kind != SHIM_REMARK) {
        result = tape_shim()->pass(call);
    }
    code = errno;
    if (result >= 0)
        record(recording, call, result);
    pthread_mutex_unlock(&mutex);
    errno = code;
    return result;
}

void
tape_begin(struct tape *tape, const char *root)
{
    struct shim *shim = tape_shim();
    char path[PATH_MAX];
    struct stat at;

    *tape = (struct tape){0};
    if (!realpath(root, path) || strlen(path) >= sizeof shim->root ||
        stat(root, &at))
        give_up("no such directory");
    add_object(tape, at.st_ino, true);
    memcpy(shim->root, path, strlen(path) + 1);
    recording = tape;
    failing = 0;
    shim->hook = hook;
}

void
tape_fail_syncs(uint32_t percent, uint64_t seed)
{
    failing = percent;
    dice.state = seed;
}

void
tape_end(struct tape *tape)
{
    (void)tape;
    tape_shim()->hook = NULL;
    recording = NULL;
}

void
tape_free(struct tape *tape)
{
    free(tape->events);
    free(tape->bytes);
    free(tape->inodes);
    free(tape->directories);
    *tape = (struct tape){0};
}

void
tape_remark(uint32_t what, uint32_t value)
{
    if (pwrite(SHIM_REMARK_HANDLE, &value, sizeof value, (off_t)what) !=
        (ssize_t)sizeof value)
        give_up("a remark was not heard");
}

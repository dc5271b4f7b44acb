/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay up to a cut.
 *
 * Owns the bytes and the names as the disk has them.
 * Keeps what a sync that had ended covers; all else it keeps, drops or tears at
 * random: writes by atoms, growth by files, names one by one.
 * Never changes the order of two writes that both arrive in the same place.
 */
#include "disk/image.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
give_up(const char *why)
{
    fprintf(stderr, "image: %s\n", why);
    _exit(2);
}

void
image_begin(struct image *image, const struct tape *tape)
{
    *image = (struct image){.tape = tape, .room = tape->count + 1};
    image->files = calloc(tape->objects, sizeof *image->files);
    image->synced = calloc(tape->objects, sizeof *image->synced);
    image->durable = calloc(image->room, sizeof *image->durable);
    image->names = calloc(image->room, sizeof *image->names);
    if (!image->files || !image->synced || !image->durable || !image->names)
        give_up("no memory");
}

void
image_end(struct image *image)
{
    for (uint32_t i = 0; i < image->tape->objects; i++)
        free(image->files[i].bytes);
    free(image->files);
    free(image->synced);
    free(image->durable);
    free(image->names);
    *image = (struct image){0};
}

/* --- files ------------------------------------------------------------------- */

static void
set_size(struct image_file *file, size_t size)
{
    if (size > file->room) {
        size_t room = size * 2;

        file->bytes = realloc(file->bytes, room);
        if (!file->bytes)
            give_up("no memory");
        file->room = room;
    }
    if (size > file->size)
        memset(file->bytes + file->size, 0, size - file->size);
    file->size = size;
}

/* One atom after the other, each by the toss of a coin. */
static void
tear(struct image_file *file, uint64_t offset, const uint8_t *bytes,
     size_t size, uint32_t atom, struct dice *dice)
{
    while (size) {
        size_t part = atom - offset % atom;

        part = part < size ? part : size;
        if (dice_below(dice, 2))
            memcpy(file->bytes + offset, bytes, part);
        offset += part;
        bytes += part;
        size -= part;
    }
}

static void
write_bytes(struct image *image, const struct tape_event *event,
            bool is_durable, uint32_t atom, struct dice *dice)
{
    struct image_file *file = &image->files[event->object];
    const uint8_t *bytes = image->tape->bytes + event->bytes;
    uint64_t offset = event->offset;
    size_t size = event->size;
    uint32_t what = is_durable ? 0 : dice_below(dice, 3);

    if (offset + size > file->size) {
        if (is_durable || file->keeps_growth)
            set_size(file, offset + size);
        else if (offset >= file->size)
            return;
        else
            size = file->size - offset;
    }
    if (what == 0)
        memcpy(file->bytes + offset, bytes, size);
    else if (what == 1)
        tear(file, offset, bytes, size, atom, dice);
}

/* --- names ------------------------------------------------------------------- */

static void
drop_name(struct image *image, uint32_t parent, const char *name)
{
    for (uint32_t i = 0; i < image->count; i++) {
        struct image_name *found = &image->names[i];

        if (found->parent != parent || strcmp(found->name, name) != 0)
            continue;
        *found = image->names[--image->count];
        return;
    }
}

static void
add_name(struct image *image, uint32_t parent, const char *name,
         uint32_t object)
{
    struct image_name *added;

    drop_name(image, parent, name);
    added = &image->names[image->count++];
    added->parent = parent;
    added->object = object;
    memcpy(added->name, name, TAPE_NAME_SIZE);
}

/* --- the cut ----------------------------------------------------------------- */

/* The directory whose sync makes a change of a name durable, or the file. */
static uint32_t
keeper(const struct tape_event *event)
{
    switch (event->kind) {
    case TAPE_RENAME:
        return event->to;
    case TAPE_MAKE:
    case TAPE_UNLINK:
        return event->parent;
    case TAPE_WRITE:
    case TAPE_SIZE:
    case TAPE_SYNC:
    case TAPE_FORGET:
    case TAPE_REMARK:
        break;
    }
    return event->object;
}

static bool
is_ignored(const struct image *image, uint32_t at,
           const struct image_rules *rules)
{
    if (!image->tape->directories[image->tape->events[at].object])
        return rules->ignores_syncs;
    return rules->ignores_directories && at >= rules->from;
}

/* Backwards: the next sync after an event decides, if it had ended. One that
 * failed leaves to chance what it was for, whatever comes later: the system may
 * hold those pages for clean. */
static void
find_durable(struct image *image, uint32_t cut, const struct image_rules *rules)
{
    const struct tape *tape = image->tape;

    memset(image->synced, 0, tape->objects * sizeof *image->synced);
    memset(image->durable, 0, image->room * sizeof *image->durable);
    for (uint32_t i = cut < tape->count ? cut : tape->count; i--;) {
        const struct tape_event *event = &tape->events[i];

        if (event->kind == TAPE_SYNC && !is_ignored(image, i, rules))
            image->synced[event->object] = true;
        else if (event->kind == TAPE_FORGET)
            image->synced[event->object] = false;
        else if (event->kind != TAPE_REMARK)
            image->durable[i] = image->synced[keeper(event)] ||
                                (event->is_durable && !rules->ignores_syncs);
    }
    if (rules->keeps_all)
        memset(image->durable, true, image->room * sizeof *image->durable);
}

static void
replay_name(struct image *image, const struct tape_event *event)
{
    if (event->kind != TAPE_MAKE)
        drop_name(image, event->parent, event->name);
    if (event->kind == TAPE_MAKE)
        add_name(image, event->parent, event->name, event->object);
    if (event->kind == TAPE_RENAME)
        add_name(image, event->to, event->to_name, event->object);
}

static void
replay(struct image *image, uint32_t at, const struct image_rules *rules,
       struct dice *dice)
{
    const struct tape_event *event = &image->tape->events[at];
    bool is_durable = image->durable[at];

    switch (event->kind) {
    case TAPE_WRITE:
        write_bytes(image, event, is_durable, rules->atom, dice);
        break;
    case TAPE_SIZE:
        if (is_durable || dice_below(dice, 2))
            set_size(&image->files[event->object], event->offset);
        break;
    case TAPE_MAKE:
    case TAPE_RENAME:
    case TAPE_UNLINK:
        if (is_durable || dice_below(dice, 2))
            replay_name(image, event);
        break;
    case TAPE_SYNC:
    case TAPE_FORGET:
    case TAPE_REMARK:
        break;
    }
}

void
image_cut(struct image *image, uint32_t cut, const struct image_rules *rules,
          struct dice *dice)
{
    const struct tape *tape = image->tape;

    find_durable(image, cut, rules);
    image->count = 0;
    for (uint32_t i = 0; i < tape->objects; i++) {
        image->files[i].size = 0;
        image->files[i].keeps_growth = dice_below(dice, 2);
    }
    for (uint32_t i = 0; i <= cut && i < tape->count; i++)
        replay(image, i, rules, dice);
}

static bool
is_same(const struct image_file *file, int directory, const char *name)
{
    int handle = openat(directory, name, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = malloc(file->size + 1);
    bool same = handle >= 0 && bytes &&
                read(handle, bytes, file->size + 1) == (ssize_t)file->size &&
                !memcmp(bytes, file->bytes, file->size);

    if (handle >= 0)
        close(handle);
    free(bytes);
    return same;
}

static bool
are_same(const struct image *image, uint32_t parent, int directory)
{
    bool same = true;

    for (uint32_t i = 0; i < image->count && same; i++) {
        const struct image_name *name = &image->names[i];
        int below;

        if (name->parent != parent || !strcmp(name->name, "lock.mdb"))
            continue;
        if (!image->tape->directories[name->object]) {
            same = is_same(&image->files[name->object], directory, name->name);
            continue;
        }
        below = openat(directory, name->name, O_RDONLY | O_DIRECTORY);
        same = below >= 0 && are_same(image, name->object, below);
        if (below >= 0)
            close(below);
    }
    return same;
}

bool
image_is_complete(struct image *image, const char *directory)
{
    const struct image_rules rules = {.atom = 512, .keeps_all = true};
    int handle = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dice dice = {0};
    bool same;

    image_cut(image, image->tape->count, &rules, &dice);
    same = handle >= 0 && image->count && are_same(image, TAPE_ROOT, handle);
    if (handle >= 0)
        close(handle);
    return same;
}

/* --- the directory ------------------------------------------------------------ */

static void
write_file(const struct image_file *file, int directory, const char *name)
{
    int handle =
        openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (handle < 0 || (file->size && pwrite(handle, file->bytes, file->size,
                                            0) != (ssize_t)file->size))
        give_up("a file cannot be written");
    close(handle);
}

static void
write_names(const struct image *image, uint32_t parent, int directory)
{
    for (uint32_t i = 0; i < image->count; i++) {
        const struct image_name *name = &image->names[i];
        int below;

        if (name->parent != parent)
            continue;
        if (!image->tape->directories[name->object]) {
            write_file(&image->files[name->object], directory, name->name);
            continue;
        }
        below = mkdirat(directory, name->name, 0700)
                    ? -1
                    : openat(directory, name->name,
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (below < 0)
            give_up("a directory cannot be made");
        write_names(image, name->object, below);
        close(below);
    }
}

void
image_write(const struct image *image, const char *directory)
{
    int handle = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (handle < 0)
        give_up("no such directory");
    write_names(image, TAPE_ROOT, handle);
    close(handle);
}

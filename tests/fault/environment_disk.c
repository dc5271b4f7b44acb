/* SPDX-License-Identifier: Apache-2.0 */
/* Disks that are full, read-only, layered or remote. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environment.h"

off_t
place_fill_disk(const struct place *place)
{
    static char block[4096];
    int file = open(place_path(place, "disk/filler"),
                    O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    off_t size = 0;
    ssize_t put;

    while ((put = write(file, block, sizeof block)) > 0)
        size += put;
    close(file);
    return size;
}

static void
empty(const struct place *place)
{
    unlink(place_path(place, "disk/filler"));
}

const char *
place_small(struct place *place, const char *size)
{
    const char *disk = place_path(place, "disk");

    mkdir(disk, 0700);
    place_mount("none", disk, "tmpfs", 0, size);
    return place_path(place, "disk/store");
}

static feature_status
write_until_full(feature_store *store)
{
    feature_status status = FEATURE_OK;

    for (int64_t i = 1; i < 100 && !status; i++)
        status = place_write(store, i * 1000, i * 1000 + 64, 4000);
    return status;
}

static void
full_write(struct place *place)
{
    feature_store *store = place_make(place_small(place, "size=1m,mode=0700"));

    place_fill_disk(place);
    NAMED(write_until_full(store), FEATURE_FULL, "disk-full");
    WORKS(place_read(store));
    empty(place);
    WORKS(place_write(store, 0, 10, 200));
    WORKS(place_read(store));
    feature_store_close(store);
    place_sound(place_path(place, "disk/store"));
}

static feature_status
apply_until_full(feature_store *store)
{
    static char text[60000];
    feature_status status = FEATURE_OK;
    size_t size;

    for (int i = 0; i < 50 && !status; i++) {
        size = (size_t)snprintf(text, sizeof text,
                                "CREATE FEATURE VIEW w%d (f STRING", i);
        for (int j = 0; j < 1000; j++)
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     ", feature_%d INT64 DEFAULT %d", j, j);
        snprintf(text + size, sizeof text - size, ") FOR e");
        status = feature_store_apply(store, text, NULL, NULL, &place_error);
    }
    return status;
}

static void
full_apply(struct place *place)
{
    feature_store *store = place_make(place_small(place, "size=1m,mode=0700"));

    place_fill_disk(place);
    NAMED(apply_until_full(store), FEATURE_FULL, "disk-full");
    WORKS(place_read(store));
    empty(place);
    WORKS(feature_store_apply(store, "CREATE ENTITY x (k INT64)", NULL, NULL,
                              &place_error));
    feature_store_close(store);
    place_sound(place_path(place, "disk/store"));
}

/* With every room from none to enough. */
static void
full_open(struct place *place)
{
    const char *path = place_small(place, "size=1m,mode=0700");
    feature_status status = FEATURE_FULL;

    place_leave(path);
    unlink(place_path(place, "disk/store/lock.mdb"));
    for (off_t size = place_fill_disk(place); size >= 0 && status;
         size -= 4096) {
        place_cut(place_path(place, "disk/filler"), size);
        status = place_use(path, FEATURE_OPEN_READ_ONLY);
        if (status)
            NAMED(status, FEATURE_FULL, "disk-full");
    }
    WORKS(status);
}

static void
full_create(struct place *place)
{
    const char *path = place_small(place, "size=1m,mode=0700");
    feature_status status = FEATURE_FULL;
    feature_store *store = NULL;

    for (off_t size = place_fill_disk(place); size >= 0 && status;
         size -= 4096) {
        place_cut(place_path(place, "disk/filler"), size);
        status = place_open(path, FEATURE_OPEN_CREATE, &store);
        if (status)
            NAMED(status, FEATURE_FULL, "disk-full");
    }
    WORKS(status);
    feature_store_close(store);
    place_sound(path);
}

static void
full_snapshot(struct place *place)
{
    const char *copy = place_small(place, "size=128k,mode=0700");
    feature_store *store = place_make(place->store);

    place_fill_disk(place);
    NAMED(feature_store_snapshot(store, place_path(place, "disk/a.snap"), NULL,
                                 NULL, NULL, &place_error),
          FEATURE_FULL, "disk-full");
    WORKS(feature_store_snapshot(store, place_path(place, "a.snap"), NULL, NULL,
                                 NULL, &place_error));
    NAMED(feature_store_restore(place_path(place, "a.snap"), copy, NULL, NULL,
                                NULL, &place_error),
          FEATURE_FULL, "disk-full");
    empty(place);
    WORKS(feature_store_snapshot(store, place_path(place, "disk/a.snap"), NULL,
                                 NULL, NULL, &place_error));
    feature_store_close(store);
}

static void
full_ext4(struct place *place)
{
    char command[3 * PLACE_PATH];
    feature_store *store;

    snprintf(command, sizeof command,
             "cd '%s' && mkdir disk && truncate -s 8M image && mkfs.ext4 -q -F "
             "-O ^has_journal image && mount -o loop image disk",
             place->directory);
    if (system(command))
        place_skip("no loop device, or no mkfs.ext4");
    store = place_make(place_path(place, "disk/store"));
    place_fill_disk(place);
    NAMED(write_until_full(store), FEATURE_FULL, "disk-full");
    WORKS(place_read(store));
    empty(place);
    WORKS(place_write(store, 0, 10, 200));
    feature_store_close(store);
    place_sound(place_path(place, "disk/store"));
    umount(place_path(place, "disk"));
}

static void
read_only_mount(struct place *place)
{
    const char *disk = place_path(place, "disk");

    place_leave(place->store);
    mkdir(disk, 0700);
    place_mount(place->store, disk, NULL, MS_BIND, NULL);
    place_mount(NULL, disk, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
    NAMED(place_use(disk, FEATURE_OPEN_READ_ONLY), FEATURE_UNSUPPORTED,
          "read-only-mount");
    NAMED(place_use(disk, 0), FEATURE_IO, "permission");
    NAMED(place_use(disk, FEATURE_OPEN_CREATE), FEATURE_IO, "permission");
    WORKS(place_use(disk, FEATURE_OPEN_IMMUTABLE));
}

static void
overlay(struct place *place)
{
    static const char *const names[] = {"disk/lower", "disk/upper", "disk/work",
                                        "disk/merged"};
    const char *store;
    char options[1024];

    place_small(place, "size=4m,mode=0700");
    for (int i = 0; i < 4; i++)
        mkdir(place_path(place, names[i]), 0700);
    snprintf(options, sizeof options,
             "lowerdir=%s/disk/lower,upperdir=%s/disk/upper,workdir=%s/disk/"
             "work",
             place->directory, place->directory, place->directory);
    place_mount("none", place_path(place, "disk/merged"), "overlay", 0,
                options);
    store = place_path(place, "disk/merged/store");
    place_leave(store);
    NAMED(place_use(store, FEATURE_OPEN_READ_ONLY), FEATURE_UNSUPPORTED,
          "overlay-stale");
    WORKS(place_use(store, 0));
    WORKS(place_use(store, FEATURE_OPEN_IMMUTABLE));
}

/* Paths to files of their own are not to be had: LMDB is given the store's. */
static void
no_proc(struct place *place)
{
    place_leave(place->store);
    if (umount2("/proc", MNT_DETACH))
        place_skip("cannot unmount /proc");
    WORKS(place_use(place->store, 0));
    WORKS(place_use(place->store, FEATURE_OPEN_READ_ONLY));
    place_sound(place->store);
}

const struct place_case place_disk_cases[] = {
    {"tmpfs full at a write", full_write, 1},
    {"tmpfs full at an apply", full_apply, 1},
    {"tmpfs full at an open", full_open, 1},
    {"tmpfs full at a creation", full_create, 1},
    {"tmpfs full at a snapshot and a restore", full_snapshot, 1},
    {"ext4 full and freed again", full_ext4, 1},
    {"read-only bind mount", read_only_mount, 1},
    {"overlay", overlay, 1},
    {"no /proc", no_proc, 1},
    {0}};

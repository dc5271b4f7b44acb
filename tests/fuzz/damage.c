/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage.
 *
 * Owns the kinds of it, each as likely as the others.
 * Keeps the size of a file, and its meta pages.
 * Never looks at what it hits, save for the offsets of a page's nodes.
 */
#include "damage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "engine/layout.h"

#define SECTOR 512
#define KINDS  10

struct image
image_read(const char *store)
{
    struct image image = {0};
    char path[RIG_PATH_SIZE + 16];
    struct stat at;
    int file;

    snprintf(path, sizeof path, "%s/data.mdb", store);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &at))
        rig_give_up(path, "cannot be read");
    image.size = (size_t)at.st_size;
    image.bytes = malloc(image.size);
    if (!image.bytes ||
        read(file, image.bytes, image.size) != (ssize_t)image.size)
        rig_give_up(path, "cannot be read");
    close(file);
    image.page_size = lf_load_u32(image.bytes + LF_META_FREE);
    return image;
}

struct image
image_fence(const struct image *image)
{
    size_t whole = image->size + 2 * (size_t)image->page_size;
    uint8_t *made =
        mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct image fenced = *image;

    fenced.bytes = made + image->page_size;
    if (made == MAP_FAILED ||
        mprotect(fenced.bytes, image->size, PROT_READ | PROT_WRITE))
        rig_give_up("mmap", "no memory");
    return fenced;
}

static uint8_t *
draw_page(const struct image *image, struct dice *dice)
{
    uint32_t pages = (uint32_t)(image->size / image->page_size);

    return image->bytes +
           (size_t)(2 + dice_below(dice, pages - 2)) * image->page_size;
}

static void
swap(uint8_t *a, uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t kept = a[i];

        a[i] = b[i];
        b[i] = kept;
    }
}

static void
put_noise(uint8_t *to, uint32_t size, struct dice *dice)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)dice_draw(dice);
}

/* A number as it might stand there, or any. */
static void
put_odd_u16(uint8_t *to, struct dice *dice)
{
    static const uint16_t odd[] = {0,    1,    15,   16,     17,     4088,
                                   4089, 4095, 4096, 0x7fff, 0x8000, 0xffff};

    lf_store_u16(to, dice_chance(dice, 50)
                         ? odd[dice_below(dice, sizeof odd / sizeof *odd)]
                         : (uint16_t)dice_draw(dice));
}

/* One of the offsets of a page, or the header of the node it points to. */
static void
damage_node(const struct image *image, uint8_t *page, bool header,
            struct dice *dice)
{
    uint32_t lower = lf_load_u16(page + LF_PAGE_LOWER), at;
    uint8_t *offset = page + LF_PAGE_HEADER;

    if (lower > LF_PAGE_HEADER && lower < image->page_size)
        offset += 2 * dice_below(dice, (lower - LF_PAGE_HEADER) / 2);
    at = lf_load_u16(offset);
    if (!header || at + LF_NODE_HEADER > image->page_size)
        put_odd_u16(offset, dice);
    else
        put_odd_u16(page + at + 2 * dice_below(dice, 4), dice);
}

static void
damage_once(struct image *image, struct dice *dice)
{
    uint8_t *page = draw_page(image, dice), *other = draw_page(image, dice);
    uint32_t size = image->page_size;
    uint32_t sector = SECTOR * dice_below(dice, size / SECTOR);

    switch (dice_below(dice, KINDS)) {
    case 0:
        page[dice_below(dice, size)] ^= (uint8_t)(1u << dice_below(dice, 8));
        break;
    case 1:
        page[dice_below(dice, LF_PAGE_HEADER)] ^=
            (uint8_t)(1u << dice_below(dice, 8));
        break;
    case 2:
        put_odd_u16(page + 2 * dice_below(dice, LF_PAGE_HEADER / 2), dice);
        break;
    case 3:
        damage_node(image, page, false, dice);
        break;
    case 4:
        damage_node(image, page, true, dice);
        break;
    case 5:
        memset(page, dice_chance(dice, 50) ? 0 : 0xff, size);
        break;
    case 6:
        swap(page, other, page == other ? 0 : size);
        break;
    case 7:
        memmove(page, other, size);
        break;
    case 8:
        memmove(page + sector, other + sector, SECTOR);
        break;
    default:
        put_noise(page + sector, SECTOR, dice);
        break;
    }
}

void
image_damage(struct image *image, struct dice *dice)
{
    uint32_t times = 1 + dice_below(dice, 3);

    for (uint32_t i = 0; i < times; i++)
        damage_once(image, dice);
}

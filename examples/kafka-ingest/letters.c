/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters: records that cannot be rows, one a line:
 *
 *     TOPIC <TAB> PARTITION <TAB> OFFSET <TAB> REASON <TAB> RECORD
 *
 * with \t, \n, \r, \\ and \xHH for bytes that are no printable ASCII.
 *
 * Owns the file. Keeps each record once: a line is durable before the commit that
 * passes its offset, and a consumer that died in between finds it here again.
 * Never rewrites a line; a last one without its end is cut off.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest.h"

/* A record of our topic that the file has. */
struct letter {
    int64_t offset;
    int32_t partition;
};

struct letters {
    FILE *file;
    char *topic;
    void *seen; /* of tsearch(): struct letter */
};

static int
compare(const void *a, const void *b)
{
    const struct letter *x = a, *y = b;

    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static bool
remember(struct letters *letters, int32_t partition, int64_t offset)
{
    struct letter *made = malloc(sizeof *made), **kept;

    if (!made)
        return false;
    *made = (struct letter){offset, partition};
    kept = tsearch(made, &letters->seen, compare);
    if (!kept || *kept != made)
        free(made);
    return kept != NULL;
}

/* What is there, up to the end of the last whole line. */
static bool
read_letters(struct letters *letters)
{
    char *line = NULL, topic[256];
    size_t room = 0;
    int64_t offset;
    int32_t partition;
    long whole = 0;
    ssize_t size;
    bool good = true;

    while (good && (size = getline(&line, &room, letters->file)) > 0 &&
           line[size - 1] == '\n') {
        whole += size;
        if (sscanf(line, "%255[^\t]\t%" SCNd32 "\t%" SCNd64, topic, &partition,
                   &offset) == 3 &&
            !strcmp(topic, letters->topic))
            good = remember(letters, partition, offset);
    }
    free(line);
    return good && !ferror(letters->file) &&
           !ftruncate(fileno(letters->file), whole) &&
           !fseek(letters->file, whole, SEEK_SET);
}

struct letters *
letters_open(const char *path, const char *topic)
{
    struct letters *letters = calloc(1, sizeof *letters);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (letters && file >= 0)
        letters->file = fdopen(file, "r+");
    if (letters)
        letters->topic = strdup(topic);
    if (letters && letters->file && letters->topic && read_letters(letters))
        return letters;
    say("%s: %s", path, strerror(errno));
    if (file >= 0 && !(letters && letters->file))
        close(file);
    letters_close(letters);
    return NULL;
}

void
letters_close(struct letters *letters)
{
    if (!letters)
        return;
    if (letters->file)
        fclose(letters->file);
    tdestroy(letters->seen, free);
    free(letters->topic);
    free(letters);
}

static void
put_byte(FILE *file, unsigned char c)
{
    static const char from[] = "\t\n\r\\", to[] = "tnr\\";
    const char *special = c ? strchr(from, c) : NULL;

    if (special)
        fprintf(file, "\\%c", to[special - from]);
    else if (c < 0x20 || c > 0x7e)
        fprintf(file, "\\x%02x", c);
    else
        putc(c, file);
}

bool
letters_add(struct letters *letters, int32_t partition, int64_t offset,
            const char *reason, const char *bytes, size_t size)
{
    const struct letter letter = {offset, partition};

    if (tfind(&letter, &letters->seen, compare))
        return true;
    if (!remember(letters, partition, offset))
        return false;
    fprintf(letters->file, "%s\t%" PRId32 "\t%" PRId64 "\t", letters->topic,
            partition, offset);
    while (*reason)
        put_byte(letters->file, (unsigned char)*reason++);
    putc('\t', letters->file);
    for (size_t i = 0; i < size; i++)
        put_byte(letters->file, (unsigned char)bytes[i]);
    putc('\n', letters->file);
    return !ferror(letters->file);
}

bool
letters_sync(struct letters *letters)
{
    return !fflush(letters->file) && !fsync(fileno(letters->file));
}

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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest.h"

/* The last offset that the file has of a partition: they only grow. */
struct seen {
    char *topic;
    int64_t offset;
    int32_t partition;
};

struct letters {
    FILE *file;
    struct seen *seen;
    size_t seen_count;
};

static struct seen *
find(struct letters *letters, const char *topic, int32_t partition)
{
    struct seen *grown;

    for (size_t i = 0; i < letters->seen_count; i++)
        if (letters->seen[i].partition == partition &&
            !strcmp(letters->seen[i].topic, topic))
            return &letters->seen[i];
    grown = realloc(letters->seen, (letters->seen_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    letters->seen = grown;
    grown += letters->seen_count;
    *grown = (struct seen){strdup(topic), -1, partition};
    if (!grown->topic)
        return NULL;
    letters->seen_count++;
    return grown;
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
                   &offset) == 3) {
            struct seen *seen = find(letters, topic, partition);

            good = seen != NULL;
            if (good && offset > seen->offset)
                seen->offset = offset;
        }
    }
    free(line);
    return good && !ferror(letters->file) &&
           !ftruncate(fileno(letters->file), whole) &&
           !fseek(letters->file, whole, SEEK_SET);
}

struct letters *
letters_open(const char *path)
{
    struct letters *letters = calloc(1, sizeof *letters);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (letters && file >= 0)
        letters->file = fdopen(file, "r+");
    if (letters && letters->file && read_letters(letters))
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
    for (size_t i = 0; i < letters->seen_count; i++)
        free(letters->seen[i].topic);
    free(letters->seen);
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
letters_add(struct letters *letters, const char *topic, int32_t partition,
            int64_t offset, const char *reason, const char *bytes, size_t size)
{
    struct seen *seen = find(letters, topic, partition);

    if (!seen)
        return false;
    if (offset <= seen->offset)
        return true;
    seen->offset = offset;
    fprintf(letters->file, "%s\t%" PRId32 "\t%" PRId64 "\t", topic, partition,
            offset);
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands share.
 *
 * Owns the shape of complaints and the meaning of exit codes.
 * Keeps standard output free of anything but results.
 * Never ends the process: only main returns.
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "moment.h"

int
tool_refuse(const char *format, ...)
{
    va_list arguments;

    fputs("feature: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return TOOL_REFUSED;
}

int
tool_misuse(const char *command, const char *format, ...)
{
    va_list arguments;

    fputs("feature: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (command)
        fprintf(stderr, "\nTry `feature %s --help`.\n", command);
    else
        fputs("\nTry `feature help`.\n", stderr);
    return TOOL_USAGE;
}

int
tool_misuse_option(char **argv, int code)
{
    const char *last = argv[optind - 1];

    if (code == ':')
        return tool_misuse(argv[0], "%s needs a value", last);
    if (!optopt)
        return tool_misuse(argv[0], "there is no option %s", last);
    if (!strncmp(last, "--", 2))
        return tool_misuse(argv[0], "%s: no value belongs there", last);
    return tool_misuse(argv[0], "there is no option -%c", optopt);
}

int
tool_fail(const struct feature_error *error)
{
    return tool_refuse("%s", error->message);
}

int
tool_no_memory(void)
{
    return tool_refuse("out of memory");
}

int
tool_help(const char *text)
{
    fputs(text, stdout);
    return tool_finish();
}

int
tool_finish(void)
{
    if (fflush(stdout) || ferror(stdout))
        return tool_refuse("standard output: %s", strerror(errno));
    return TOOL_DONE;
}

feature_store *
tool_open_store(const char *path, uint32_t flags, int64_t clock)
{
    struct feature_options options = {
        .struct_size = sizeof options, .flags = flags, .fixed_now = clock};
    struct feature_error error;
    feature_store *store = NULL;

    if (!feature_store_open(path, &options, &store, &error))
        return store;
    if (!strcmp(error.reason, "no-store"))
        tool_refuse("there is no store in %s (feature apply --create makes "
                    "one)",
                    path);
    else
        tool_refuse("%s: %s", path, error.message);
    return NULL;
}

const char *
tool_file_name(const char *path)
{
    return strcmp(path, "-") ? path : "standard input";
}

int
tool_open_file(const char *path)
{
    struct stat about;
    int file;

    if (!strcmp(path, "-"))
        return STDIN_FILENO;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        tool_refuse("%s: %s", path, strerror(errno));
        return -1;
    }
    if (!fstat(file, &about) && S_ISDIR(about.st_mode)) {
        tool_refuse("%s: %s", path, strerror(EISDIR));
        close(file);
        return -1;
    }
    return file;
}

void
tool_close_file(int file)
{
    if (file > STDIN_FILENO)
        close(file);
}

bool
tool_read_file(const char *path, struct text *text)
{
    int file = tool_open_file(path);
    ssize_t got = 1;

    if (file < 0)
        return false;
    while (got) {
        if (!text_reserve(text, 65536)) {
            tool_no_memory();
            break;
        }
        got = read(file, text->data + text->size, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            tool_refuse("%s: %s", tool_file_name(path), strerror(errno));
            break;
        }
        text->size += (size_t)got;
    }
    tool_close_file(file);
    return got == 0;
}

int
tool_read_time(const char *command, const char *option, const char *text,
               int64_t *time)
{
    struct moment_format format = {.kind = MOMENT_ISO};
    const char *why = moment_read(&format, text, strlen(text), time);

    if (!why)
        return TOOL_DONE;
    if (strstr(why, "--time-zone"))
        why = "has no time zone: end it in Z, or in an offset such as +08:00";
    return tool_misuse(command, "%s: \"%s\" %s", option, text, why);
}

int
tool_read_delimiter(const char *command, const char *text, char *delimiter)
{
    if (!strcmp(text, "tab") || !strcmp(text, "\\t"))
        text = "\t";
    if (strlen(text) != 1 || !strchr("\t ,;|:!#$%&*/~^", *text))
        return tool_misuse(command,
                           "--delimiter: \"%s\" is neither tab nor one of "
                           ", ; | : ! # $ %% & * / ~ ^ and the space",
                           text);
    *delimiter = *text;
    return TOOL_DONE;
}

bool
tool_has_colours(FILE *stream)
{
    const char *no = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(fileno(stream)) && !(no && *no) &&
           !(terminal && !strcmp(terminal, "dumb"));
}

int64_t
tool_steady_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int
tool_read_fill(const char *command, const char *text, int32_t *fill)
{
    static const char *const words[] = {[FEATURE_FILL_DEFAULTS] = "defaults",
                                        [FEATURE_FILL_NULLS] = "nulls",
                                        [FEATURE_FILL_STALE] = "stale"};

    for (int32_t i = 0; i < 3; i++) {
        if (!strcmp(text, words[i])) {
            *fill = i;
            return TOOL_DONE;
        }
    }
    return tool_misuse(
        command, "--fill: \"%s\" is none of defaults, nulls, stale", text);
}

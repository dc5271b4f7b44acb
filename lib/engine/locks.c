/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The locks in open.lock, and the queue of this process's writers.
 *
 * Owns the layout of open.lock and every lock taken on it.
 * Keeps each wait within its deadline; the kernel drops every lock with its
 * process.
 * Never touches lock.mdb: its locks are LMDB's.
 *
 * bytes 0..31   the owner record, written by the first to open
 * byte  pid     write lock: open in that process
 * byte  GATE    write lock: the writer (past every pid, which end at 2^22)
 * byte  WANTED  read lock: those who wait for the one before
 *
 * Byte locks are those of the open file (F_OFD_*), not of the process: they
 * meet a second copy of the library in the same process, and equal pids of two
 * pid namespaces.
 */
#include "engine/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define GATE     (1 << 30)
#define WANTED   (GATE + 1)
#define MAGIC    0x4b434c46u /* "FLCK" */
#define PROTOCOL 1

#define OPEN_PAUSE_NS 2000000
#define GATE_PAUSE_NS 500000 /* less than a commit that is worth a wait */

/* LMDB keeps pthread mutexes in lock.mdb: all processes need one layout. */
#if defined(__GLIBC__)
#define LIBC (0x10000u | sizeof(pthread_mutex_t))
#else
#define LIBC (0x20000u | sizeof(pthread_mutex_t))
#endif

struct owner {
    uint32_t magic;
    uint32_t protocol;
    uint32_t libc;
    uint32_t reserved;
    uint64_t pid_namespace; /* inode; 0: unknown */
    uint64_t reserved_too;
};

/* Sleeps a little longer each time; false once the deadline has passed. */
static bool
wait_a_little(int64_t deadline_ms, long *pause_ns, long longest_ns)
{
    struct timespec pause = {.tv_nsec = *pause_ns};

    if (lf_clock_steady_ms() >= deadline_ms)
        return false;
    nanosleep(&pause, NULL);
    if (*pause_ns < longest_ns)
        *pause_ns *= 2;
    return true;
}

feature_status
lf_open_lock(int lock_file, uint32_t wait_ms, struct feature_error *error)
{
    int64_t deadline = lf_clock_steady_ms() + wait_ms;
    long pause = 50000;

    while (flock(lock_file, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return lf_engine_fail(error, -1, errno, "flock of open.lock");
        if (!wait_a_little(deadline, &pause, OPEN_PAUSE_NS))
            return lf_fail(error, FEATURE_BUSY, "open-lock",
                           "another process is opening or closing the store, "
                           "and was not done within %u ms; try again",
                           wait_ms);
    }
    return FEATURE_OK;
}

void
lf_open_unlock(int lock_file)
{
    if (lock_file >= 0)
        flock(lock_file, LOCK_UN);
}

static int
byte_lock(int lock_file, int command, short type, off_t start, off_t size)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = size};

    if (fcntl(lock_file, command, &lock))
        return errno;
    if (command == F_OFD_GETLK && lock.l_type != F_UNLCK)
        return EAGAIN;
    return 0;
}

bool
lf_owner_is_alone(int lock_file)
{
    return byte_lock(lock_file, F_OFD_GETLK, F_WRLCK, 1, GATE - 1) == 0;
}

static struct owner
this_owner(void)
{
    struct owner owner = {.magic = MAGIC, .protocol = PROTOCOL, .libc = LIBC};
    struct stat at;

    if (!stat("/proc/self/ns/pid", &at))
        owner.pid_namespace = at.st_ino;
    return owner;
}

static feature_status
compare(const struct owner *mine, const struct owner *theirs,
        struct feature_error *error)
{
    if (theirs->magic != MAGIC || theirs->protocol != PROTOCOL)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "the store is open in a process with another version "
                       "of the lock protocol (%u, this is %u)",
                       theirs->protocol, PROTOCOL);
    if (theirs->libc != mine->libc)
        return lf_fail(error, FEATURE_UNSUPPORTED, "libc",
                       "the store is open in a process with another C library "
                       "(glibc or musl), and the two cannot share its locks");
    if (theirs->pid_namespace && mine->pid_namespace &&
        theirs->pid_namespace != mine->pid_namespace)
        return lf_fail(error, FEATURE_UNSUPPORTED, "pid-namespace",
                       "the store is open in another PID namespace; containers "
                       "that share a store have to share the PID namespace");
    return FEATURE_OK;
}

static feature_status
meet(int lock_file, const struct owner *mine, struct feature_error *error)
{
    struct owner theirs;
    ssize_t got = pread(lock_file, &theirs, sizeof theirs, 0);

    if (got < 0)
        return lf_engine_fail(error, -1, errno, "read of open.lock");
    if ((size_t)got < sizeof theirs)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "open.lock holds no owner record");
    return compare(mine, &theirs, error);
}

static feature_status
introduce(int lock_file, int directory, const struct owner *mine,
          struct feature_error *error)
{
    ssize_t put = pwrite(lock_file, mine, sizeof *mine, 0);

    if (put == (ssize_t)sizeof *mine)
        return FEATURE_OK;
    return lf_engine_fail(error, directory, put < 0 ? errno : ENOSPC,
                          "write of open.lock");
}

feature_status
lf_owner_claim(int lock_file, int directory, struct feature_error *error)
{
    struct owner mine = this_owner();
    int code;

    if (lf_owner_is_alone(lock_file))
        LF_TRY(introduce(lock_file, directory, &mine, error));
    else
        LF_TRY(meet(lock_file, &mine, error));
    code = byte_lock(lock_file, F_OFD_SETLK, F_WRLCK, getpid(), 1);
    if (code == EAGAIN || code == EACCES)
        return lf_fail(
            error, FEATURE_UNSUPPORTED, "second-copy",
            "another copy of the library has the store open in "
            "this process, or in a PID namespace where it is %d too; "
            "share one copy, or the namespace",
            (int)getpid());
    if (code)
        return lf_engine_fail(error, -1, code, "lock of open.lock");
    return FEATURE_OK;
}

static feature_status
writer_busy(struct feature_error *error)
{
    return lf_fail(error, FEATURE_BUSY, "writer-gate",
                   "another writer was not done in time");
}

/* Again and again. The kernel would wait without a deadline. */
static feature_status
wait_at_gate(int lock_file, int64_t deadline_ms, struct feature_error *error)
{
    long pause = 50000;
    int code;

    for (;;) {
        if (!wait_a_little(deadline_ms, &pause, GATE_PAUSE_NS))
            return writer_busy(error);
        code = byte_lock(lock_file, F_OFD_SETLK, F_WRLCK, GATE, 1);
        if (!code)
            return FEATURE_OK;
        if (code != EAGAIN && code != EACCES && code != EINTR)
            return lf_engine_fail(error, -1, code, "lock of open.lock");
    }
}

feature_status
lf_writer_gate_enter(int lock_file, int64_t deadline_ms, bool *waited,
                     struct feature_error *error)
{
    int code = byte_lock(lock_file, F_OFD_SETLK, F_WRLCK, GATE, 1);
    feature_status status;

    if (!code)
        return FEATURE_OK;
    if (code != EAGAIN && code != EACCES && code != EINTR)
        return lf_engine_fail(error, -1, code, "lock of open.lock");
    *waited = true;
    /* Only a wish: without it the wait may be longer. */
    (void)byte_lock(lock_file, F_OFD_SETLK, F_RDLCK, WANTED, 1);
    status = wait_at_gate(lock_file, deadline_ms, error);
    (void)byte_lock(lock_file, F_OFD_SETLK, F_UNLCK, WANTED, 1);
    return status;
}

bool
lf_writer_gate_is_wanted(int lock_file)
{
    return byte_lock(lock_file, F_OFD_GETLK, F_WRLCK, WANTED, 1) == EAGAIN;
}

void
lf_writer_gate_leave(int lock_file)
{
    byte_lock(lock_file, F_OFD_SETLK, F_UNLCK, GATE, 1);
}

bool
lf_queue_init(struct lf_queue *queue)
{
    pthread_condattr_t steady;
    bool done = false;

    if (pthread_mutex_init(&queue->mutex, NULL))
        return false;
    if (!pthread_condattr_init(&steady)) {
        done = !pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) &&
               !pthread_cond_init(&queue->turn, &steady);
        pthread_condattr_destroy(&steady);
    }
    if (!done)
        pthread_mutex_destroy(&queue->mutex);
    return done;
}

void
lf_queue_destroy(struct lf_queue *queue)
{
    pthread_cond_destroy(&queue->turn);
    pthread_mutex_destroy(&queue->mutex);
}

/* One that waits. */
struct lf_queued {
    struct lf_queued *next;
    bool has_turn; /* and is not in the queue any more */
};

static struct lf_queued **
find_queued(struct lf_queue *queue, const struct lf_queued *queued)
{
    struct lf_queued **at = &queue->first;

    while (*at != queued)
        at = &(*at)->next;
    return at;
}

/* False: the deadline passed first. */
static bool
wait_for_turn(struct lf_queue *queue, const struct timespec *deadline)
{
    struct lf_queued self = {0};
    int code = 0;

    *find_queued(queue, NULL) = &self;
    while (!self.has_turn && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&queue->turn, &queue->mutex, deadline);
    if (!self.has_turn)
        *find_queued(queue, &self) = self.next;
    return self.has_turn;
}

feature_status
lf_queue_enter(struct lf_queue *queue, int64_t deadline_ms, bool *waited,
               struct feature_error *error)
{
    struct timespec deadline = {.tv_sec = deadline_ms / 1000,
                                .tv_nsec = deadline_ms % 1000 * 1000000};
    bool has_turn;

    pthread_mutex_lock(&queue->mutex);
    *waited = queue->is_taken;
    has_turn = !*waited || wait_for_turn(queue, &deadline);
    queue->is_taken = true;
    pthread_mutex_unlock(&queue->mutex);
    return has_turn ? FEATURE_OK : writer_busy(error);
}

/* It is passed on: who comes next, the one that leaves included, is behind all
 * that wait. */
void
lf_queue_leave(struct lf_queue *queue)
{
    struct lf_queued *first;

    pthread_mutex_lock(&queue->mutex);
    first = queue->first;
    queue->is_taken = first != NULL;
    if (first) {
        queue->first = first->next;
        first->has_turn = true;
        pthread_cond_broadcast(&queue->turn);
    }
    pthread_mutex_unlock(&queue->mutex);
}

uint32_t
lf_queue_length(struct lf_queue *queue)
{
    uint32_t length = 0;

    pthread_mutex_lock(&queue->mutex);
    for (const struct lf_queued *each = queue->first; each; each = each->next)
        length++;
    pthread_mutex_unlock(&queue->mutex);
    return length;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second process that takes turns with the test.
 *
 * The test closes its store, starts the peer, and both open it. Whatever fails
 * in the peer ends it, and end_peer() fails then.
 */
#ifndef TESTS_API_PEER_H
#define TESTS_API_PEER_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

struct peer {
    pid_t pid; /* of the other side; 0 in the peer */
    int to;
    int from;
};

/* Lets the other side run. */
static inline void
give_turn(const struct peer *peer)
{
    assert_int_equal(write(peer->to, "t", 1), 1);
}

/* Waits until the other side lets this one run. */
static inline void
take_turn(const struct peer *peer)
{
    char turn;

    assert_int_equal(read(peer->from, &turn, 1), 1);
}

/* Lets the other side run, and waits until it is done. */
static inline void
pass_turn(const struct peer *peer)
{
    give_turn(peer);
    take_turn(peer);
}

/* A failed assertion of cmocka must not go on with the test's program. */
static inline void
become_peer(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    for (int number = 1; number < 32; number++)
        signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

static inline struct peer
start_peer(struct fixture *f, void (*work)(struct fixture *, struct peer *))
{
    struct peer parent = {0}, child = {0};
    int down[2], up[2];

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    parent = (struct peer){.to = down[1], .from = up[0]};
    child = (struct peer){.to = up[1], .from = down[0]};
    parent.pid = fork();
    assert_true(parent.pid >= 0);
    if (!parent.pid) {
        close(parent.to);
        close(parent.from);
        become_peer();
        work(f, &child);
        _exit(0);
    }
    close(child.to);
    close(child.from);
    return parent;
}

/* Waits for the peer to end well. */
static inline void
end_peer(struct peer *peer)
{
    int status;

    close(peer->to);
    close(peer->from);
    assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Runs work in a process of its own to its end. */
static inline void
run_peer(struct fixture *f, void (*work)(struct fixture *, struct peer *))
{
    struct peer peer = start_peer(f, work);

    end_peer(&peer);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that have to succeed, or to fail in one way.
 *
 * Owns the error that tests pass to the library.
 * Keeps the message of a failure together with the place of the call.
 * Never calls the library, so that any test can link it.
 */
#include "support.h"

#include <string.h>

_Thread_local struct feature_error problem;

static void
complain(feature_status status, const char *call)
{
    print_error("%s\n    status %d, reason \"%.24s\": %.200s\n", call, status,
                problem.reason, problem.message);
}

void
must_at(feature_status status, const char *call, const char *file, int line)
{
    if (status == FEATURE_OK)
        return;
    complain(status, call);
    _fail(file, line);
}

void
must_fail_at(feature_status status, feature_status expected, const char *reason,
             const char *call, const char *file, int line)
{
    if (status == expected &&
        (!reason || !strncmp(problem.reason, reason, sizeof problem.reason)))
        return;
    complain(status, call);
    print_error("    expected status %d, reason \"%s\"\n", expected,
                reason ? reason : "(any)");
    _fail(file, line);
}

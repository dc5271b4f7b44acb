#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# cppcheck, over what we ship. An inline suppression gives its reason:
#     /* cppcheck-suppress nullPointer ; the caller checked */
set -eu
. "$(dirname "$0")/sources.sh"

status=0
sources lib tools examples | xargs grep -nH 'cppcheck-suppress' |
    grep -vE 'cppcheck-suppress(-begin|-end)? +[^ ]+ *;.*[a-z]' |
    sed 's/:[^:]*$/: a suppression without a reason (after a semicolon)/' |
    grep . && status=1

cache=${B:-build}/cppcheck
mkdir -p "$cache"
# Headers of the system are unknown to it by design; the rest of the list:
# normalCheckLevel and the like are remarks about itself.
sources lib tools examples | grep '\.c$' | xargs cppcheck --quiet -j2 \
    --enable=warning,performance,portability --std=c11 --language=c \
    --inline-suppr --error-exitcode=1 --cppcheck-build-dir="$cache" \
    --suppress=missingInclude --suppress=missingIncludeSystem \
    --suppress=unmatchedSuppression --suppress=toomanyconfigs \
    --template='{file}:{line}: {severity}: {message} [{id}]' \
    -Iinclude -Ilib -Itools -D__x86_64__ -D__GNUC__ \
    -D__linux__ -D_GNU_SOURCE -DINT64_C'(x)=x##L' \
    -DMDB_VERSION_PATCH=24 -DUINTPTR_MAX=2 -DUINT64_MAX=2 \
    -D__BYTE_ORDER__=1234 -D__ORDER_LITTLE_ENDIAN__=1234 2>&1 || status=1
exit $status

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The module of Arrow streams, under the race detector and with every pointer that goes to C
# checked (cgocheck2).
set -eu
. tests/go/run.sh
export GOEXPERIMENT=cgocheck2
go_test bindings/go/arrowfeature -race

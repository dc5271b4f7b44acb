#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The HTTP example, under the race detector.
set -eu
. tests/go/run.sh
export GOEXPERIMENT=cgocheck2
go_test examples/go-serve -race

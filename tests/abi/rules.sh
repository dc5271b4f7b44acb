#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The generator refuses what the rules of the header forbid.
exec "$GEN_PYTHON" bindings/gen/test_rules.py

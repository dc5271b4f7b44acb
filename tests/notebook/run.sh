#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The notebook, run.sh PYTHON NOTEBOOK: by a kernel of that Python, which sees no
# settings and no kernels of whoever runs this.
set -eu
export HOME="$TMPDIR" JUPYTER_PREFER_ENV_PATH=1 JUPYTER_NO_CONFIG=1
export JUPYTER_PATH='' IPYTHONDIR="$TMPDIR/ipython"
export JUPYTER_DATA_DIR="$TMPDIR/jupyter" JUPYTER_RUNTIME_DIR="$TMPDIR/runtime"
unset MPLBACKEND DISPLAY || :
exec "$1" tests/notebook/run.py "$2"

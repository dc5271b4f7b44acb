# SPDX-License-Identifier: Apache-2.0
"""Builds the wheel: a PEP 517 backend that needs nothing but Python.

The package is pure ctypes, so one wheel a platform serves every Python 3.
$LIBFEATURE_BUNDLE names a libfeature.so to put beside the modules, where they
look first (`make wheel` does that, and grafts its dependencies in afterwards).
Without it the wheel is for any platform and uses the system's library.
$LIBFEATURE_NOTICES lists the licences of what is bundled besides.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sysconfig
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Optional

HERE = Path(__file__).resolve().parent.parent
PACKAGE = HERE / "libfeature"
NAME = "libfeature"
# Wheels are equal when what is in them is.
WHEN = (1980, 1, 1, 0, 0, 0)


class UnsupportedOperation(Exception):
    """Looked up by name: a hook that this backend does not have."""


def version() -> str:
    """The version of the header that the package was made from."""
    found = re.search(
        r"HEADER_VERSION = \((\d+), (\d+), (\d+)\)",
        (PACKAGE / "_ffi.py").read_text("utf-8"),
    )
    if found is None:
        raise SystemExit("_ffi.py has no HEADER_VERSION")
    return ".".join(found.groups())


def project(member: str) -> str:
    """A text of [project] in pyproject.toml."""
    found = re.search(
        r'^%s = "(.*)"$' % member,
        (HERE / "pyproject.toml").read_text("utf-8"),
        re.M,
    )
    return found[1] if found else ""


def metadata() -> str:
    lines = [
        "Metadata-Version: 2.4",
        "Name: " + NAME,
        "Version: " + version(),
        "Summary: " + project("description"),
        "Requires-Python: " + project("requires-python"),
        "License-Expression: " + project("license"),
        "Description-Content-Type: text/markdown",
    ]
    readme = HERE / "README.md"
    text = readme.read_text("utf-8") if readme.exists() else ""
    return "\n".join(lines) + "\n\n" + text


def tag(bundle: Optional[str]) -> str:
    if not bundle:
        return "py3-none-any"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return "py3-none-" + platform


def contents(bundle: Optional[str]) -> Dict[str, bytes]:
    """The files of the wheel, save for RECORD."""
    files = {
        "%s/%s" % (NAME, path.name): path.read_bytes()
        for path in sorted(PACKAGE.iterdir())
        if path.suffix == ".py" or path.name == "py.typed"
    }
    if bundle:
        soname = "libfeature.so." + version().split(".")[0]
        files["%s/%s" % (NAME, soname)] = Path(bundle).read_bytes()
    info = "%s-%s.dist-info/" % (NAME, version())
    files[info + "METADATA"] = metadata().encode()
    files[info + "WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: libfeature\n"
        "Root-Is-Purelib: %s\nTag: %s\n"
        % (str(not bundle).lower(), tag(bundle))
    ).encode()
    licence = HERE.parent.parent / "LICENSE"
    if licence.exists():
        files[info + "licenses/LICENSE"] = licence.read_bytes()
    for notice in os.environ.get("LIBFEATURE_NOTICES", "").split():
        path = Path(notice)  # .../PACKAGE/copyright, as Debian has it
        files[info + "licenses/" + path.parent.name] = path.read_bytes()
    return files


def record(files: Dict[str, bytes], own: str) -> bytes:
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
        lines.append(
            "%s,sha256=%s,%d" % (name, digest.rstrip(b"=").decode(), len(data))
        )
    return "\n".join([*lines, own + ",,", ""]).encode()


def build_wheel(
    wheel_directory: str,
    config_settings: Any = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """The hook of PEP 517; answers the wheel's file name."""
    bundle = os.environ.get("LIBFEATURE_BUNDLE")
    files = contents(bundle)
    own = "%s-%s.dist-info/RECORD" % (NAME, version())
    files[own] = record(files, own)
    name = "%s-%s-%s.whl" % (NAME, version(), tag(bundle))
    with zipfile.ZipFile(
        Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED
    ) as wheel:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, WHEN)
            mode = 0o755 if ".so" in path else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)
    return name


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """There is none: `make dist` makes the source archive of all of it."""
    raise UnsupportedOperation("use `make dist`")


def get_requires_for_build_wheel(config_settings: Any = None) -> List[str]:
    return []


if __name__ == "__main__":
    import sys

    print(build_wheel(sys.argv[1]))

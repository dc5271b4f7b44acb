#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tries every promise: runs each tests/trust/*.sh, two at a time.

    trust.py ci|release         run, print, leave $B/trust.json
    trust.py document FILE      put the figures of $B/trust.json into FILE

A script prints one line a promise, with seven fields separated by tabs:

    trust NAME pass|FAIL|not-run PROMISE WHAT FIGURES CONTROL

FIGURES are k=v, separated by spaces. CONTROL says what was planted and whether
it was found: a rig whose control went unnoticed has shown nothing. So has a
script that prints no line, dies or hangs. Exits 0 if every promise was kept;
in the release tier every one has to have been tried.
"""
import ctypes
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone

BUILD = os.environ.get("B", "build")
RIGS = os.environ.get("RIGS", "tests/trust")
LANES = int(os.environ.get("LANES", "2"))
LONGEST = {"ci": 600, "release": 5400}  # seconds of one script
BEGIN = "<!-- figures: written by `make trust-doc` -->"
END = "<!-- end of the figures -->"


def output_of(*command):
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def lmdb_version():
    try:
        lmdb = ctypes.CDLL("liblmdb.so.0")
    except OSError:
        return "unknown"
    numbers = [ctypes.c_int() for _ in range(3)]
    lmdb.mdb_version(*map(ctypes.byref, numbers))
    return ".".join(str(number.value) for number in numbers)


def library_version():
    with open("include/libfeature.h", encoding="utf-8") as header:
        found = dict(
            re.findall(r"define FEATURE_VERSION_(\w+) +(\d+)", header.read())
        )
    return ".".join(found[part] for part in ("MAJOR", "MINOR", "PATCH"))


def commit():
    name = output_of("git", "rev-parse", "--short=12", "HEAD")
    if name and output_of("git", "status", "--porcelain"):
        return name + " with changes"
    return name or "unknown"


def versions():
    compiler = os.environ.get("CC", "cc").split() + ["--version"]
    return {
        "libfeature": library_version(),
        "commit": commit(),
        "lmdb": lmdb_version(),
        "compiler": (output_of(*compiler).splitlines() or ["unknown"])[0],
        "kernel": " ".join((platform.system(), platform.release())),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }


def parse_figures(text):
    figures = {}
    for word in text.split():
        key, separator, value = word.partition("=")
        if separator:
            figures[key] = int(value) if value.isdigit() else value
    return figures


def promise_of(line):
    """What one line says; its verdict is checked, not believed."""
    fields = line.split("\t")
    if len(fields) != 7 or fields[2] not in ("pass", "FAIL", "not-run"):
        return failure("?", "a line that is none: " + line)
    _, name, result, sentence, what, figures, control = fields
    problem = ""
    if result == "pass" and "NOT FOUND" in control:
        problem = "the control went unnoticed"
    elif result == "pass" and not re.search(r"\bfound\b", control):
        problem = "there is no control"
    return {
        "name": name,
        "result": "FAIL" if problem else result,
        "promise": sentence,
        "what": what,
        "figures": parse_figures(figures),
        "control": re.sub(r"^control: *", "", control),
        "problem": problem,
    }


def failure(name, problem):
    return {
        "name": name,
        "result": "FAIL",
        "promise": "",
        "what": "",
        "figures": {},
        "control": "",
        "problem": problem,
    }


class Script:
    """One script of the folder, its process and what it printed."""

    def __init__(self, name, tier):
        self.name = name
        self.tier = tier
        self.process = None
        self.log = os.path.join(BUILD, "log", f"trust-{name}.log")

    def start(self, scratch):
        self.process = subprocess.Popen(
            ["sh", os.path.join(RIGS, self.name + ".sh"), self.tier],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=open(self.log, "wb"),
            text=True,
            errors="replace",
            start_new_session=True,
            env={**os.environ, "B": BUILD, "TMPDIR": scratch},
        )

    def stop(self):
        """The whole session, so that no rig goes on; kindly first."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except (AttributeError, ProcessLookupError, PermissionError):
                return
            time.sleep(0.5)

    def run(self):
        base = os.environ.get("TMPDIR", "/tmp")
        if os.access("/dev/shm", os.W_OK):
            base = "/dev/shm"
        scratch = tempfile.mkdtemp(prefix="libfeature-trust.", dir=base)
        begin = time.monotonic()
        hangs = ""
        try:
            self.start(scratch)
            try:
                lines, _ = self.process.communicate(timeout=LONGEST[self.tier])
            except subprocess.TimeoutExpired:
                self.stop()
                lines, _ = self.process.communicate()
                hangs = f"stopped after {LONGEST[self.tier]} s"
        finally:
            self.stop()
            subprocess.run(["chmod", "-R", "u+rwx", scratch], check=False)
            subprocess.run(
                ["rm", "-rf", "--one-file-system", scratch], check=False
            )
        return self.verdict(lines, hangs, time.monotonic() - begin)

    def verdict(self, lines, hangs, seconds):
        promises = [
            promise_of(line)
            for line in lines.splitlines()
            if line.startswith("trust\t")
        ]
        status = self.process.returncode
        problem = hangs
        if not problem and status < 0:
            problem = "died of " + signal.Signals(-status).name
        elif not problem and not promises:
            problem = f"printed no promise, exit status {status}"
        elif not problem and status and not failed(promises):
            problem = f"exit status {status}, and no promise says why"
        if problem:
            promises.append(failure(self.name, problem))
        for promise in promises:
            promise["script"] = self.name
            promise["log"] = self.log
        promises[0]["seconds"] = round(seconds, 1)
        return promises


def failed(promises):
    return [p for p in promises if p["result"] == "FAIL"]


def not_run(promises):
    return [p for p in promises if p["result"] == "not-run"]


def print_promise(promise):
    figures = " ".join(f"{k}={v}" for k, v in promise["figures"].items())
    seconds = promise.get("seconds")
    print(
        f"{promise['result']:8}{promise['name']}"
        + (f"  ({promise['script']}: {seconds} s)" if seconds else "")
    )
    for title, text in (
        ("promise", promise["promise"]),
        ("tried", promise["what"]),
        ("figures", figures),
        ("control", promise["control"]),
        ("problem", promise["problem"]),
    ):
        if text:
            print(f"        {title:8}{text}")
    if promise["result"] == "FAIL":
        with open(promise["log"], encoding="utf-8", errors="replace") as log:
            for line in log.readlines()[-20:]:
                print("        | " + line.rstrip())
        print(f"        | (all of it: {promise['log']})")
    sys.stdout.flush()


def run_all(names, tier):
    """Two lanes that take the next script; the first Ctrl-C stops both."""
    waiting = [Script(name, tier) for name in names]
    running, promises, ended = [], [], []
    lock = threading.Lock()
    stopped = threading.Event()

    def lane():
        while True:
            with lock:
                if stopped.is_set() or not waiting:
                    ended.append(True)
                    return
                script = waiting.pop(0)
                running.append(script)
            try:
                made = script.run()
            except Exception as problem:  # the lane has to say so, and go on
                made = [failure(script.name, f"{problem!r}")]
                made[0].update(script=script.name, log=os.devnull)
            with lock:
                running.remove(script)
                if not stopped.is_set():
                    promises.extend(made)
                    for promise in made:
                        print_promise(promise)

    lanes = [threading.Thread(target=lane) for _ in range(LANES)]
    try:
        for thread in lanes:
            thread.start()
        while len(ended) < LANES:  # a join that is interrupted forgets its
            time.sleep(0.1)  # thread in some versions of Python
    except KeyboardInterrupt:
        stopped.set()
        for script in list(running):
            script.stop()
        while len(ended) < LANES:
            time.sleep(0.1)
        sys.exit(130)
    order = {name: i for i, name in enumerate(names)}
    return sorted(promises, key=lambda p: order[p["script"]])


def scripts():
    return sorted(
        name[:-3] for name in os.listdir(RIGS) if name.endswith(".sh")
    )


def conclude(tier, promises, seconds):
    bad, left = failed(promises), not_run(promises)
    kept = len(promises) - len(bad) - len(left)
    print()
    for promise in bad:
        print(f"broken   {promise['name']}: {promise['script']}")
    for promise in left:
        print(f"not run  {promise['name']}: {promise['what']}")
    if left and tier == "release":
        print("a release needs each of them tried: run it as root")
    print(
        f"Tier {tier}, in {seconds:.0f} s:\n"
        f"{kept} promises kept, {len(bad)} broken, {len(left)} not run"
    )
    return bool(promises) and not bad and not (left and tier == "release")


def run(tier):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.makedirs(os.path.join(BUILD, "log"), exist_ok=True)
    about = versions()
    print(
        f"libfeature {about['libfeature']} ({about['commit']}), "
        f"LMDB {about['lmdb']}, {about['compiler']}\n"
        f"{about['kernel']} {about['machine']}, {about['cpus']} processors; "
        f"tier {tier}\n"
    )
    sys.stdout.flush()
    begin = time.monotonic()
    promises = run_all(scripts(), tier)
    seconds = time.monotonic() - begin
    is_good = conclude(tier, promises, seconds)
    report = {
        "tier": tier,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "passed": is_good,
        "seconds": round(seconds, 1),
        "versions": about,
        "promises": [
            {k: v for k, v in p.items() if k != "log"} for p in promises
        ],
    }
    with open(f"{BUILD}/trust.json", "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    return 0 if is_good else 1


def table(report):
    about = report["versions"]
    command = "make trust"
    if report["tier"] != "ci":
        command += f" TIER={report['tier']}"
    lines = [
        f"`{command}`, {report['date']}, commit {about['commit']}: "
        f"{report['seconds']:.0f} s on {about['cpus']} processors "
        f"({about['kernel']} {about['machine']}, LMDB {about['lmdb']}, "
        f"{about['compiler']}).",
        "",
        "| promise | tried | figures | control |",
        "|---|---|---|---|",
    ]
    for promise in report["promises"]:
        figures = ", ".join(
            f"{key.replace('_', ' ')} {value:,}"
            if isinstance(value, int) and key != "seed"
            else f"{key.replace('_', ' ')} {value}"
            for key, value in promise["figures"].items()
        )
        tried = promise["what"]
        if promise["result"] != "pass":
            tried = promise["result"] + ": " + tried
        cells = (promise["promise"], tried, figures, promise["control"])
        lines.append(
            "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
        )
    return "\n".join(lines)


def document(path):
    """Figures of a run that broke a promise are for repairs, not for a page."""
    try:
        with open(f"{BUILD}/trust.json", encoding="utf-8") as file:
            report = json.load(file)
    except OSError as problem:
        sys.exit(f"trust: {problem}: run make trust first")
    if not report["passed"]:
        sys.exit("trust: the last run did not pass; the page stays as it is")
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"trust: {path} has no place for the figures")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\n{table(report)}\n\n{END}{after}")
    return 0


def main(arguments):
    if len(arguments) == 1 and arguments[0] in LONGEST:
        return run(arguments[0])
    if len(arguments) == 2 and arguments[0] == "document":
        return document(arguments[1])
    sys.exit("usage: trust.py ci|release, or trust.py document FILE")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

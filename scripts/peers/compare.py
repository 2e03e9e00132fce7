#!/usr/bin/env python3
"""Run sft and its peers one after another and print one Markdown table; scripts/bench_peers.sh prepares and calls this.

Each program is a process of its own, with the same number of threads. It tells when each of its steps ended and how
many real tokens the step held; the first two steps are not counted. Python's standard library is enough.
"""
import argparse
import fnmatch
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED_STEPS = 2
BENCH_STEPS = 10       # of sft bench at most: enough for its figures, whatever the programs run
DISTURBED = 0.05       # share of the cores' time taken by other work
MEMORY_WANTED = 16e9
PACKAGES = ["torch", "transformers", "trl", "peft", "datasets", "accelerate"]
SFT_SETTINGS = {
    "data": {"max_length": 512, "template": "im_sep", "shuffle": "false"},
    "train": {"batch_size": 8, "learning_rate": 1e-4, "weight_decay": 0.01, "save_interval_s": 0},
}
LORA_SETTINGS = {"lora": {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}}  # as trl_sft.py has it


def sft_settings(adapter):
    return {**SFT_SETTINGS, **LORA_SETTINGS} if adapter else SFT_SETTINGS


class Failed(Exception):
    """A program did not do what it should have; `log` says more, the row's own log if it is None."""

    def __init__(self, message, log=None):
        super().__init__(message)
        self.log = log


class Refused(Exception):
    """sft has no kernels of that precision for this CPU."""


# ---- this machine ----

def read(path):
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def cpu_name():
    """The model's name, and the widest of the instructions that decide how fast it can be."""
    info = read("/proc/cpuinfo")
    name = re.search(r"^model name\s*: (.*)$", info, re.M)
    flags = re.search(r"^flags\s*: (.*)$", info, re.M)
    names = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16", "avx512f": "AVX-512", "avx2": "AVX2"}
    widest = [title for flag, title in names.items() if flags and flag in flags.group(1).split()]
    return (name.group(1) if name else platform.machine()) + (f" ({widest[0]})" if widest else "")


def physical_cores():
    """Those that this process may use: a core's second hardware thread is not counted."""
    siblings = "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list"
    return len({read(siblings % cpu) or cpu for cpu in os.sched_getaffinity(0)})


def available_memory():
    found = re.search(r"^MemAvailable:\s*(\d+) kB", read("/proc/meminfo"), re.M)
    return int(found.group(1)) * 1024 if found else None


def cpu_seconds():
    """(busy, all) seconds of all cores since the machine started, as /proc/stat counts them."""
    ticks = [int(n) for n in read("/proc/stat").split("\n")[0].split()[1:9]] or [0] * 8
    hertz = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / hertz, sum(ticks) / hertz


def share_of_others(before, own=0.0):
    """How much of the cores' time went to other work since cpu_seconds() said `before`; `own`: our own seconds."""
    busy, total = (now - then for now, then in zip(cpu_seconds(), before))
    return max(0.0, busy - own) / total if total else 0.0


def say(text):
    print(text, file=sys.stderr, flush=True)


def report_machine(threads):
    before = cpu_seconds()
    time.sleep(1)
    share = share_of_others(before)
    say(f"{cpu_name()}, {threads} threads, load average {os.getloadavg()[0]:.2f}")
    if share > DISTURBED:
        say(f"warning: other work is using {100 * share:.0f}% of the cores; programs measured beside it are too slow")
    memory = available_memory()
    if memory is not None and memory < MEMORY_WANTED:
        say(f"warning: {memory / 1e9:.0f} GB of memory are free; TRL takes up to 15 GB at GPT-2's size")


# ---- running a program ----

@dataclass
class Finished:
    seconds_of_line: list  # (seconds since the start, the line) of all that was printed
    peak_rss: int          # bytes
    started: float         # time.time()
    others: float          # share of the cores' time that went to other work


def run(command, log, env):
    """Run it with all it prints in `log`; Failed with the exit status if that is not 0."""
    lines, started, before = [], time.time(), cpu_seconds()
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace")
        try:
            for line in process.stdout:
                lines.append((time.time() - started, line))
                file.write(line)
                file.flush()
            status, usage = os.wait4(process.pid, 0)[1:]
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        file.write(f"exit status {process.returncode}, peak RSS {usage.ru_maxrss} kB\n")
    if process.returncode:
        raise Failed(f"exit status {process.returncode}", log)
    others = share_of_others(before, usage.ru_utime + usage.ru_stime)
    return Finished(lines, usage.ru_maxrss * 1024, started, others)


@dataclass
class Result:
    ends: list                # seconds from the program's start to each step's end
    tokens: list              # real tokens of each step
    peak_rss: int             # bytes
    begins: float = None      # seconds to the first step's beginning; sft only
    flops_per_token: float = None

    def tokens_per_second(self):
        if len(self.ends) <= SKIPPED_STEPS:
            raise Failed(f"{len(self.ends)} steps were recorded, more than {SKIPPED_STEPS} are needed")
        return sum(self.tokens[SKIPPED_STEPS:]) / (self.ends[-1] - self.ends[SKIPPED_STEPS - 1])


# ---- the programs ----

@dataclass
class Comparison:
    """What all programs share, and sft's own measure of the arithmetic."""
    sft: str
    base: Path
    data: Path
    steps: int
    out: Path
    env: dict
    benches: dict = field(default_factory=dict)  # (precision, adapter) -> what sft bench said, or why it said nothing
    disturbed: dict = field(default_factory=dict)  # program -> share of the cores' time that other work took meanwhile

    def log(self, name):
        return self.out / f"{name}.log"

    def run(self, name, command):
        finished = run(command, self.log(name), self.env)
        if finished.others > DISTURBED:
            self.disturbed[name] = finished.others
            say(f"   warning: other work took {100 * finished.others:.0f}% of the cores while {name} ran")
        return finished

    def bench(self, precision, adapter):
        """sft bench: FLOPs of a token, and the CPU's own peak, for MFU. Refused if it has no such kernels."""
        key = precision, adapter
        if key not in self.benches:
            try:
                self.benches[key] = self.run_bench(precision, adapter)
            except (Failed, Refused) as error:
                self.benches[key] = error
        if isinstance(self.benches[key], Exception):
            raise self.benches[key]
        return self.benches[key]

    def run_bench(self, precision, adapter):
        name = f"sft-bench-{'lora-' if adapter else ''}{precision}"
        command = [self.sft, "bench", "--json", "--base", self.base, "--data", self.data, "--precision", precision,
                   "--steps", str(min(self.steps, BENCH_STEPS))]
        for section, settings in sft_settings(adapter).items():
            for key, value in settings.items():
                command += ["--set", f"{section}.{key}={value}"]
        try:
            return json.loads(self.run(name, command).seconds_of_line[-1][1])
        except Failed as failure:
            if re.search(rf"error: .*precision.*{precision}.*\nexit status 2", read(self.log(name))):
                raise Refused() from None
            raise failure

    def run_sft(self, name, precision, adapter=False):
        """A real run; saving cannot be turned off, but happens after the last step only, and is thrown away."""
        self.bench(precision, adapter)
        folder = self.out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = {"model": {"base": self.base}, "data": {"train": f'"{self.data}"', **SFT_SETTINGS["data"]},
                    "train": {"output_dir": folder / "run", "precision": precision, "max_steps": self.steps,
                              **SFT_SETTINGS["train"]},
                    **(LORA_SETTINGS if adapter else {})}
        config = folder / "config.ini"
        config.write_text("".join(f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
                                  for section, keys in settings.items()), encoding="utf-8")
        finished = self.run(name, [self.sft, "train", config])
        rows = [json.loads(line) for line in read(folder / "run" / "metrics.jsonl").splitlines()]
        shutil.rmtree(folder / "run")
        totals = [0] + [row["num_tokens"] for row in rows]
        tokens = [after - before for before, after in zip(totals, totals[1:])]
        ends = [seconds for seconds, line in finished.seconds_of_line if re.match(r"step +\d+/", line)]
        begins = ends[0] - tokens[0] / rows[0]["tokens_per_second"]
        return Result(ends, tokens, finished.peak_rss, begins=begins)

    def run_python(self, name, script, *arguments):
        """One of the peers' programs, which writes its steps to the file that is its last argument."""
        result = self.out / f"{name}.json"
        result.unlink(missing_ok=True)
        finished = self.run(name, [sys.executable, HERE / script, self.base, self.data, str(self.steps), *arguments,
                                   result])
        record = json.loads(read(result))
        return Result([end - finished.started for end in record["ends"]], record["tokens"], finished.peak_rss,
                      flops_per_token=record.get("flops_per_token"))

    def run_trl(self, name, precision, sampling, trained="whole"):
        return self.run_python(name, "trl_sft.py", precision, sampling, trained, self.out / "trl")

    def run_torch(self, name, precision, how):
        shutil.rmtree(self.out / "inductor", ignore_errors=True)  # so that compiling is measured as well
        return self.run_python(name, "torch_loop.py", precision, how)


@dataclass
class Row:
    name: str
    title: str
    precision: str
    measure: object  # Comparison, name, precision -> Result
    adapter: bool    # that is trained, and not the whole model


def all_rows():
    kinds = [
        ("sft-%s", "`sft train`", Comparison.run_sft, False),
        ("trl-%s", "TRL as it comes (padding)", lambda *a: Comparison.run_trl(*a, "sequential"), False),
        ("trl-group-%s", "TRL, group_by_length", lambda *a: Comparison.run_trl(*a, "group_by_length"), False),
        ("torch-%s", "PyTorch loop, dense 4 x 512", lambda *a: Comparison.run_torch(*a, "eager"), False),
        ("torch-compile-%s", "PyTorch loop, dense 4 x 512, torch.compile",
         lambda *a: Comparison.run_torch(*a, "compile"), False),
        ("sft-lora-%s", "`sft train`, LoRA", lambda *a: Comparison.run_sft(*a, adapter=True), True),
        ("trl-lora-%s", "TRL + PEFT, LoRA, group_by_length",
         lambda *a: Comparison.run_trl(*a, "group_by_length", "lora"), True),
    ]
    return [Row(name % precision, title, precision, measure, adapter)
            for precision in ("fp32", "bf16") for name, title, measure, adapter in kinds]


def chosen_rows(parser, only):
    rows = all_rows()
    names, patterns = [row.name for row in rows], only.split(",")
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            parser.error(f"--only {pattern}: no such program ({' '.join(names)}; * stands for anything)")
    return [row for row in rows if any(fnmatch.fnmatch(row.name, pattern) for pattern in patterns)]


# ---- the table ----

def bytes_text(count):
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def first_step_text(result):
    done = f"done after {result.ends[0]:.1f} s"
    return f"begins after {result.begins:.1f} s, {done}" if result.begins is not None else done


def mfu_text(comparison, row, result):
    """Peers are charged with the FLOPs that sft needs for the same conversations, or with their own count."""
    try:
        bench = comparison.bench(row.precision, row.adapter)
    except (Failed, Refused):
        return ""
    flops = result.flops_per_token or bench["flops_per_token"]
    return f"{100 * flops * result.tokens_per_second() / bench['matmul_peak_flops']:.1f}%"


def table(comparison, threads, outcomes):
    """outcomes: (row, Result or the text that stands for it)"""
    sft_speed = {(row.precision, row.adapter): outcome.tokens_per_second() for row, outcome in outcomes
                 if row.name.startswith("sft-") and isinstance(outcome, Result)}
    lines = [f"| {cpu_name()}, {threads} cores | | tokens/s | `sft` is faster | peak RSS | MFU | first step "
             "| last step |",
             "|---|---|---|---|---|---|---|---|"]
    for row, outcome in outcomes:
        if not isinstance(outcome, Result):
            lines.append(f"| {row.title} | {row.precision} | {outcome} | | | | | |")
            continue
        speed = outcome.tokens_per_second()
        key = row.precision, row.adapter
        times = f"{sft_speed[key] / speed:.1f}x" if key in sft_speed else ""
        cells = [row.title, row.precision, f"{speed:.0f}", "" if row.name.startswith("sft-") else times,
                 bytes_text(outcome.peak_rss), mfu_text(comparison, row, outcome), first_step_text(outcome),
                 f"done after {outcome.ends[-1]:.0f} s"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def disturbances(comparison):
    names = [f"{name} ({100 * share:.0f}%)" for name, share in comparison.disturbed.items()]
    return f"Other work took cores while these ran, and makes them wrong: {', '.join(names)}. " if names else ""


def describe(comparison):
    config = json.loads(read(comparison.base / "config.json"))
    conversations = sum(1 for line in open(comparison.data, "rb") if line.strip())
    layers, width = (config.get(old, config.get(new)) for old, new in (("n_layer", "num_hidden_layers"),
                                                                       ("n_embd", "hidden_size")))
    return (f"{layers} layers, {width} wide, vocabulary {config['vocab_size']}; "
            f"{conversations:,} conversations, 8 a step, max_length 512, no dropout, no activation checkpointing; "
            f"steps {SKIPPED_STEPS + 1} to {comparison.steps}; real tokens only, padding not counted.")


def versions(comparison):
    code = "import sys, importlib.metadata as m; print(*(f'{p} {m.version(p)}' for p in sys.argv[1:]), sep=', ')"
    peers = subprocess.run([sys.executable, "-c", code, *PACKAGES], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True)
    names = [f"sft {commit.stdout.strip() or 'of no known commit'}"]
    for precision in ("fp32", "bf16"):
        try:
            names.append(f"{comparison.bench(precision, False)['isa']} kernels in {precision}")
        except (Failed, Refused):
            pass
    return f"{', '.join(names)}; Python {platform.python_version()}, {peers}; Linux {platform.release()}."


# ---- the command ----

def measure_row(comparison, row):
    say(f"== {row.name}")
    try:
        result = row.measure(comparison, row.name, row.precision)
        say(f"   {result.tokens_per_second():.0f} tokens/s, peak RSS {bytes_text(result.peak_rss)}")
        return result
    except Refused:
        say("   not on this CPU")
        return "not on this CPU"
    except (Failed, OSError, KeyError, IndexError, ValueError) as error:
        say(f"   failed: {error}")
        return f"failed (see {os.path.relpath(getattr(error, 'log', None) or comparison.log(row.name))})"


def environment(threads, out):
    """Nothing is fetched, and what the libraries keep stays in the output folder."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "HF_HOME": str(out / "hf"),
            "TORCHINDUCTOR_CACHE_DIR": str(out / "inductor"), "TOKENIZERS_PARALLELISM": "false",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sft", required=True, help="the program")
    parser.add_argument("--base", required=True, type=Path, help="a Hugging Face directory")
    parser.add_argument("--data", required=True, type=Path, help="conversations: JSON Lines of messages")
    parser.add_argument("--steps", required=True, type=int)
    parser.add_argument("--out", required=True, type=Path, help="where each program's raw output goes")
    parser.add_argument("--only", default="*", metavar="NAMES",
                        help="names of programs, commas between them; * stands for anything")
    parser.add_argument("--check", action="store_true", help="only check the arguments")
    arguments = parser.parse_args()
    if arguments.steps <= SKIPPED_STEPS:
        parser.error(f"--steps {arguments.steps}: the first {SKIPPED_STEPS} are not counted")
    return arguments, chosen_rows(parser, arguments.only)


def main():
    arguments, rows = parse_arguments()
    if arguments.check:
        return 0
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    threads = int(os.environ.get("OMP_NUM_THREADS") or physical_cores())
    comparison = Comparison(arguments.sft, arguments.base.resolve(), arguments.data.resolve(), arguments.steps, out,
                            environment(threads, out))
    report_machine(threads)
    outcomes = [(row, measure_row(comparison, row)) for row in rows]
    print(table(comparison, threads, outcomes))
    print(f"\n{describe(comparison)} {disturbances(comparison)}{versions(comparison)}")
    return 1 if any(isinstance(outcome, str) and outcome.startswith("failed") for _, outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

"""CPU seconds and memory of rating a file of votes: this program beside published packages, in one run.

Run by hand where gpu-sizer, evalica, choix and pandas are installed: ``python tools/arena_speed.py 2000000``. Each
reads the same CSV in a process of its own and rates 120 models by Bradley-Terry, a tie as half a win for each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

MODELS, TIES, WORDS = 120, 0.3, ("model_b", "tie", "model_a")
EVALICA = """
import evalica, pandas, sys
t = pandas.read_csv(sys.argv[1])
w = {"model_a": evalica.Winner.X, "model_b": evalica.Winner.Y, "tie": evalica.Winner.Draw}
print(len(evalica.bradley_terry(t.model_a, t.model_b, t.winner.map(w), tie_weight=0.5).scores))
"""
CHOIX = """
import choix, pandas, sys
t = pandas.read_csv(sys.argv[1])
codes = pandas.factorize(pandas.concat([t.model_a, t.model_b]))[0]
data = []
for i, j, won in zip(codes[: len(t)].tolist(), codes[len(t) :].tolist(), t.winner):
    data += [(i, j)] * 2 if won == "model_a" else [(j, i)] * 2 if won == "model_b" else [(i, j), (j, i)]
print(len(choix.ilsr_pairwise(max(codes) + 1, data, alpha=0.0)))
"""


def write(file: Path, count: int) -> None:
    """A file of votes with the columns that the Arena publishes."""
    from tests.arena.synthetic import battles_of

    battles = battles_of(1, MODELS, count, TIES)
    with file.open("w", encoding="utf-8") as stream:
        stream.write("model_a,model_b,winner\n")
        columns = (battles.first.tolist(), battles.second.tolist(), battles.outcome.tolist())
        for first, second, outcome in zip(*columns, strict=True):
            stream.write(f"model-{first},model-{second},{WORDS[outcome]}\n")


def measured(command: list[str]) -> str:
    """CPU seconds and the most memory of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    cpu = used.ru_utime + used.ru_stime
    return f"{cpu:.1f} s of CPU, {used.ru_maxrss / 1e3:,.0f} MB" + (f" (exit {status})" if status else "")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        votes = Path(folder, "votes.csv")
        write(votes, int(sys.argv[1]))
        for name, command in {
            "gpu-sizer": ["-m", "gpu_sizer", "arena", "rate", str(votes)],
            "evalica": ["-c", EVALICA, str(votes)],
            "choix": ["-c", CHOIX, str(votes)],
        }.items():
            print(f"{name}: {measured([sys.executable, *command])}", flush=True)

"""Help: the commands in groups with the words of answers below, and two examples for each command."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from gpu_sizer.cli.commands import GROUPS
from gpu_sizer.words.glossary import TERMS

#: Two command lines for each command, as people would type them; of a group, two of its commands.
EXAMPLES = {
    "ask": ('ask "how many A6000s for Mixtral 8x7b"', 'ask "what can I run on 2 a6000" --json'),
    "size": ("size mixtral-8x7b --gpu a6000", "size llama-3.1-405b --gpu h100 --context 8k --users 16 --why"),
    "fit": ("fit mixtral-8x7b --gpu a6000 --tp 4", "fit llama-3-70b --gpu a6000 -n 4 --context 4k"),
    "context": ("context llama-3-8b --gpu l4", "context llama-3.1-70b --gpu h100 -n 2 --users 4"),
    "users": ("users llama-3.1-8b --gpu h100 --context 8k", "users qwen3-32b --gpu a6000 -n 2 --context 4k"),
    "memory": ("memory llama-3-8b", "memory deepseek-v3 --context 8k --users 4"),
    "speed": ("speed llama-3-70b --gpu h100 --tp 4 --users 16", "speed llama-3-8b --gpu l4 --prompt 512 --answer 128"),
    "explain": ("explain deepseek-v3", "explain mixtral-8x7b --gpu a6000"),
    "which-gpu": ("which-gpu mixtral-8x7b", "which-gpu llama-3.1-70b --context 8k --provider lambda"),
    "compare": ("compare qwen3-32b --gpu a6000 --gpu l40s", "compare mixtral-8x7b --gpu a6000,h100 --users 8"),
    "what-fits": ("what-fits --gpu a6000 -n 2", "what-fits --gpu 4090 --context 8k --brief"),
    "rent": ("rent mixtral-8x7b", "rent llama-3.1-70b --provider lambda --max-price 10"),
    "table": ("table --models mixtral-8x7b,llama-3-70b --gpu a6000,h100", "table --moe --gpu h100 -o moe.html"),
    "sweep": (
        "sweep --models mixtral-8x7b --gpu a6000,h100 --context 4k,32k --users 1,16",
        "sweep --models all --gpu h100 --context 1k:128k:log8 -o sweep.csv",
    ),
    "chart": ("chart memory mixtral-8x7b --gpu a6000", "chart context llama-3.1-70b --gpu h100 -o context.svg"),
    "article": ("article -o spring-2024 --as-of 2024-05-15 --gpu a6000", "article -o today"),
    "arena": ("arena progress", "arena frontier --help"),
    "deploy": ("deploy mixtral-8x7b --gpu a6000 --as vllm", "deploy llama-3.1-405b --gpu h100 --as kubernetes"),
    "terraform": ("terraform < query.json", "terraform --help"),
    "serve": ("serve", "serve --port 9000 --workers 4"),
    "mcp": ("mcp", "--cards my-cards mcp"),
    "page": ("page -o site --pyodide pyodide", "page --help"),
    "check-log": ("check-log server.log --gpu h100", "check-log server.log --gpu h100 --record"),
    "replay": ("replay records.jsonl", "replay records.jsonl --json"),
    "validate": ("validate", "validate my-cards/org/model.yaml"),
    "models": ("models qwen3", "models --moe --since 2025 --fits 2xa6000"),
    "gpus": ("gpus rtx", "gpus --min-memory 80 --sort -bandwidth"),
    "machines": ("machines p5", "machines --gpu h100 --provider lambda"),
    "engines": ("engines", "engines --json"),
    "show": ("show mixtral-8x7b", "show rtx-a6000 --json"),
    "schema": ("schema model", "schema gpu"),
    "import": ("import ./my-model", "import hf:mistralai/Mixtral-8x7B-v0.1 -o mixtral.yaml"),
    "update": ("update arena --help", "update cards cards.zip"),
    "config": ("config gpu a6000", "config --unset gpu"),
    "reference": ("reference --as man", "reference --as llms"),
}


def epilog(name: str) -> str:
    """The examples of a command, as its help ends."""
    return "\n".join(["\b", "Examples:", *(f"  gpu-sizer {line}" for line in EXAMPLES[name])])


class Grouped(TyperGroup):
    """The program, whose help lists its commands by what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the groups, and the words of answers."""
        for title, names in GROUPS.items():
            rows = [(name, _first(self.commands[name])) for name in names if name in self.commands]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        with formatter.section("Words of answers"):
            formatter.write_dl(list(TERMS.items()))


def _first(command: Any) -> str:
    """The first sentence of a command's help, whole."""
    text = " ".join((command.help or "").split())
    return text.partition(". ")[0].removesuffix(".")

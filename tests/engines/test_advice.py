"""What an answer tells to set stands in the engine's own words."""

from __future__ import annotations

import re

import pytest

from gpu_sizer import ask
from gpu_sizer.engines.registry import advised, command_line_of, engine, engine_command_lines, engine_names, flags_of
from gpu_sizer.evidence.check import check
from gpu_sizer.load import OPTIONS
from tests.evidence.test_check_log import catalogue, findings

SERVERS = [line.name for line in engine_command_lines()]
#: What answers tell to set.
TOLD = {"context": 8192, "max_num_seqs": 64, "max_num_batched_tokens": 2048, "kv_cache_dtype": "fp8"}


@pytest.mark.parametrize("name", SERVERS)
def test_every_engine_is_told_in_options_that_it_has(name: str) -> None:
    line, flags = command_line_of(name), flags_of(name, engine(name).release, name)
    assert line is not None
    for setting, value in TOLD.items():
        option, told = advised(name, {setting: value}).split()
        assert told == str(value)
        if line.option(setting) is None:
            assert option == OPTIONS[setting].flag
        else:
            assert flags.has(option), option


def test_the_options_are_those_of_their_documents() -> None:
    told = {name: advised(name, {"context": 8192}, users=4) for name in engine_names()}
    assert told == {
        "vllm": "--max-model-len 8192",
        "sglang": "--context-length 8192",
        "tensorrt-llm": "--max_seq_len 8192",
        "tgi": "--max-total-tokens 8192",
        "transformers": "--context 8192",
        # Of all slots together (tools/server/README.md).
        "llama.cpp": "--ctx-size 32768",
    }
    assert advised("vllm@0.11", {"max_num_seqs": 8, "max_num_batched_tokens": 512}) == (
        "--max-num-seqs 8 --max-num-batched-tokens 512"
    )


@pytest.mark.parametrize("name", engine_names())
def test_an_answer_names_no_option_of_another_engine(name: str) -> None:
    answer = ask(f"does llama 3.1 8b fit on a 4090 with {name} at 131072 tokens")
    text = "\n".join(answer.lines())
    assert "with a shorter context it fits" in text.lower()
    own = {*flags_of(name, engine(name).release, name)._data["options"]} if name in SERVERS else set()
    ours = {s.flag.partition("/")[0] for s in OPTIONS.values()} | {"--gpu", "--as"}
    assert set(re.findall(r"(?<!\S)\(?(--[a-z][\w-]+)", text)) <= own | ours


def test_a_log_is_advised_in_its_engines_words() -> None:
    log = (
        'INFO text_generation_launcher: Args { model_id: "meta-llama/Llama-2-7b-hf", max_total_tokens: Some(4096), '
        "max_batch_prefill_tokens: Some(65536), cuda_memory_fraction: 1.0, env: false }\n"
        "INFO text_generation_router_v3: backends/v3/src/lib.rs:137: Setting max batch total tokens to 30000\n"
    )
    done = check(findings(log), catalogue(), gpu="a100-80gb", engine="tgi@3.3")
    assert any("With --max-batch-prefill-tokens 2048, not 65536" in s for s in done.sentences), done.sentences
    # Before there were chunks a prefill was as long as the longest prompt: less is refused.
    older = check(findings(log), catalogue(), gpu="a100-80gb", engine="tgi@2.2")
    assert not any("--max-batch-prefill-tokens 2048" in s for s in older.sentences)

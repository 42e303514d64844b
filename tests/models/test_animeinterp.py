"""AnimeInterp: its files are known, its numbers are the released code's, its shortcuts are exact."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nakawari.checkpoints import load_strictly
from nakawari.errors import InputError, ModelError
from nakawari.models import load
from nakawari.models.animeinterp import rfr
from nakawari.models.animeinterp.config import AnimeInterpConfig
from nakawari.models.animeinterp.model import AnimeInterp
from nakawari.models.animeinterp.net import AnimeInterpNet
from nakawari.models.animeinterp.official import recognise, starting_state, table
from nakawari.models.official import flatten, open_weights
from tests.models import released
from tests.models.released import HERE, SIZE, T, frames, shapes, some, tensors

MODELS = ("animeinterp", "animeinterp-gma")
SMALL = (72, 104)


def net_of(model, **changes):
    found = recognise(tensors(model), None)
    config = replace(AnimeInterpConfig(**found.config), **changes)
    net = AnimeInterpNet(config)
    load_strictly(net, found.tensors, model)
    return net.eval()


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def net(model):
    return net_of(model)


@pytest.fixture(scope="module")
def golden(model):
    return load_file(HERE / f"{model}.safetensors")


@pytest.fixture(scope="module")
def seen(net):
    """Every intermediate result of one pair with a guide, and of one without, in double precision."""
    heard: dict[str, list] = {}
    flow = net.refine
    spots = {
        "matching": (flow.encoder.head, lambda inputs, out: out),
        "agreement": (flow.motion.agreement1, lambda inputs, out: inputs[0]),
        "hidden": (flow.down, lambda inputs, out: out),
        "step": (flow.flow_head, lambda inputs, out: out),
        "mask": (flow.mask_head, lambda inputs, out: out),
        "pictures": (net.synthesis, lambda inputs, out: [inputs[0].clone(), *(x.clone() for x in inputs[1])]),
    }
    if flow.aggregate is not None:
        spots["heard"] = (flow.aggregate, lambda inputs, out: out)
    hooks = []
    for name, (module, pick) in spots.items():
        early = name == "pictures"  # the grid writes over what it is given

        def note(_, inputs, out=None, name=name, pick=pick):
            heard.setdefault(name, []).append(pick(inputs, out))

        hooks.append((module.register_forward_pre_hook if early else module.register_forward_hook)(note))
    frame0, frame1, guide = (x.double() if torch.is_tensor(x) else [y.double() for y in x] for x in frames())
    net.double()
    with torch.inference_mode():
        image, flows = net(frame0, frame1, T, guide)
        for hook in hooks:
            hook.remove()
        bare, bare_flows = net(frame0, frame1, T)
    net.float()
    found = {"matching0": heard["matching"][0], "matching1": heard["matching"][1]}
    for name in ("agreement", "hidden", "step", "heard"):
        for n in (0, 11):
            if name in heard:
                assert len(heard[name]) == 12
                found[f"{name}{n}"] = heard[name][n]
    found["mask11"] = heard["mask"][0]
    found |= dict(zip(("pictures", "features0", "features1", "features2"), heard["pictures"][0], strict=True))
    found |= {"flow01": flows[0], "flow10": flows[1], "image": image}
    return found | {
        "unguided/flow01": bare_flows[0],
        "unguided/flow10": bare_flows[1],
        "unguided/image": bare,
    }


def test_intermediate_results_are_those_of_the_released_code(seen, golden):
    assert set(seen) == {name for name in golden if not name.startswith("coarse")}
    for name, value in seen.items():
        wanted = golden[name]
        far = (some(value) - wanted).abs().max().item()
        assert far < 2e-6 * wanted.abs().max().item(), name


def test_compiled_single_precision_agrees(net, seen):
    """Flows within 1e-3 px; frames, with the same flows, within 1e-4."""
    frame0, frame1, guide = frames()
    with torch.inference_mode():
        features = net.encode(frame0), net.encode(frame1)
        flows = net.flows(frame0, frame1, *features, guide)
        exact = (seen["flow01"].float(), seen["flow10"].float())
        image = net.draw(frame0, frame1, features[0].splat, features[1].splat, exact, T)
    for name, value in (("flow01", flows[0]), ("flow10", flows[1])):
        assert (value - seen[name]).abs().max() < 1e-3, name
    assert (image - seen["image"]).abs().max() < 1e-4


def test_the_numbers_are_worth_comparing(seen):
    """Flows of 5 to 50 pixels, and shares of upsampling that are neither all nor nothing."""
    for name in ("flow01", "flow10", "unguided/flow01", "unguided/flow10"):
        low, high = seen[name].norm(dim=1).flatten().quantile(torch.tensor([0.05, 0.95]).double()).tolist()
        assert 2 < low < 9, name
        assert 35 < high < 60, name
    share = (0.25 * seen["mask11"]).unflatten(1, (9, 64)).softmax(1).amax(1).flatten()
    low, high = share.quantile(torch.tensor([0.02, 0.95]).double()).tolist()
    assert low < 0.4
    assert high > 0.9
    assert 0.2 < seen["image"].std() < 0.4


def test_the_gate_of_the_paper_is_the_error_attention_of_the_file(model, golden):
    """The released code computes it and throws it away; "paper" scales the coarse flow by it, once."""
    config = AnimeInterpConfig("gma" if model.endswith("gma") else "none", mode="paper")
    gate = AnimeInterpNet(config).refine
    their = {key.removeprefix("flownet."): value for key, value in tensors(model).items()}
    names = {
        f"attention2.{layer}.{kind}": f"{layer}.{kind}"
        for layer in ("conv1", "conv2", "conv3")
        for kind in ("weight", "bias")
    } | {f"attention2.prelu{n}.weight": f"rectify{n}.weight" for n in (1, 2)}
    gate.attention.load_state_dict({ours: their[name] for name, ours in names.items()})
    frame0, frame1, (flow01, flow10) = frames()
    with torch.no_grad():
        coarse01 = gate.coarse(flow01, frame0, frame1)
        coarse10 = gate.coarse(flow10, frame1, frame0)
    for found, name in ((coarse01, "coarse01"), (coarse10, "coarse10")):
        torch.testing.assert_close(some(found), golden[name], atol=1e-4, rtol=1e-4)
    assert golden["coarse01"].abs().max() > 0.1


def test_official_adds_the_coarse_flow_twice_and_paper_once(model):
    attention = "gma" if model.endswith("gma") else "none"
    frame0, frame1, (flow01, _) = frames((64, 96))
    flow01 = torch.full_like(flow01, 8.0)
    starts = {}
    for mode in ("official", "paper"):
        flow = AnimeInterpNet(AnimeInterpConfig(attention, mode)).refine
        if flow.attention is not None:  # a gate that is open everywhere
            torch.nn.init.zeros_(flow.attention.conv3.weight)
            torch.nn.init.zeros_(flow.attention.conv3.bias)
        with torch.no_grad():
            starts[mode] = flow.coarse(flow01, frame0, frame1)
    assert starts["official"].unique().tolist() == [2.0]
    assert starts["paper"].unique().tolist() == [1.0]


def test_the_context_network_of_the_thesis_is_alive_in_paper_and_absent_in_official():
    assert AnimeInterpNet(AnimeInterpConfig("gma")).refine.context is None
    torch.manual_seed(0)
    net = AnimeInterpNet(AnimeInterpConfig("gma", "paper", iterations=2)).eval()
    frame0, frame1, guide = frames((64, 96))
    with torch.no_grad():
        _, (before, _) = net(frame0, frame1, T, guide)
        net.refine.context.head.bias.add_(0.5)
        _, (after, _) = net(frame0, frame1, T, guide)
    assert (before - after).abs().max() > 1e-3


def test_paper_learns_through_everything():
    torch.manual_seed(0)
    net = AnimeInterpNet(AnimeInterpConfig("gma", "paper", iterations=2)).train()
    frame0, frame1, guide = frames((64, 96))
    image, (flow01, flow10) = net(frame0, frame1, torch.full((1, 1, 1, 1), 0.4), guide)
    (image.square().mean() + flow01.abs().mean() + flow10.abs().mean()).backward()
    silent = [name for name, one in net.named_parameters() if one.grad is None]
    assert not silent
    with torch.no_grad():
        net.eval()
        plain = net(frame0, frame1, 0.4, guide)
    with torch.enable_grad():
        learning = net(frame0, frame1, 0.4, guide)
    for one, other in zip((plain[0], *plain[1]), (learning[0], *learning[1]), strict=True):
        torch.testing.assert_close(one, other.detach(), atol=1e-3, rtol=1e-3)


# -- shortcuts -----------------------------------------------------------------------------------------


def test_on_demand_and_one_after_the_other_give_the_same(model, monkeypatch):
    net = net_of(model, iterations=4)
    frame0, frame1, guide = frames(SMALL)
    with torch.inference_mode():
        image, flows = net(frame0, frame1, T, guide)
        monkeypatch.setattr(rfr, "VOLUMES_MIB", 0)
        other, other_flows = net(frame0, frame1, T, guide)
    for one, two in zip(flows, other_flows, strict=True):
        assert (one - two).abs().max() < 1e-3
    assert (image - other).abs().median() < 1e-5


def test_without_refinement_the_guide_is_the_flow():
    net = AnimeInterpNet(AnimeInterpConfig(refine=False))
    frame0, frame1, guide = frames(SMALL)
    with torch.no_grad():
        _, flows = net(frame0, frame1, T, guide)
        assert flows is guide
        with pytest.raises(ModelError, match="wanted a guide"):
            net(frame0, frame1, T)


def test_options_choose_guide_and_iterations(model):
    made = AnimeInterp(model, net_of(model, iterations=3))
    frame0, frame1, guide = frames(SMALL)
    asked = []

    def given(one, other):
        asked.append((one, other))
        return guide

    images = {}
    for name, options in {
        "guided": {"guide": given},
        "bare": {"guide": None},
        "short": {"iterations": 2},
    }.items():
        made.adjust(**options)
        images[name] = made(frame0, frame1)
    assert len(asked) == 1
    assert torch.equal(asked[0][0], frame0)
    assert not torch.equal(images["guided"], images["bare"])
    assert not torch.equal(images["short"], images["bare"])
    for wrong in ({"iterations": 0}, {"guide": "sgm"}, {"iterations": 1.5}):
        with pytest.raises(InputError, match="wanted"):
            made.adjust(**wrong)
    made.adjust(guide=lambda a, b: (guide[0][..., :-9], guide[1]))
    with pytest.raises(InputError, match="the guide gave flow of"):
        made(frame0, frame1)


def test_a_guide_of_the_unpadded_frame_is_padded_as_the_frame_was(model):
    made = AnimeInterp(model, net_of(model, iterations=1))
    frame0, frame1, guide = frames((71, 98))
    made.adjust(guide=lambda a, b: guide)
    assert made(frame0, frame1).shape == frame0.shape


def test_bf16_draws_nearly_the_same(model):
    frame0, frame1, _guide = frames(SMALL)
    images = []
    for kind in (torch.float32, torch.bfloat16):
        made = AnimeInterp(model, net_of(model, iterations=2), precision=kind)
        made.adjust(guide=None)
        images.append(made(frame0, frame1))
    assert images[1].dtype == torch.float32
    assert (images[0] - images[1]).abs().mean() < 0.05


# -- files ---------------------------------------------------------------------------------------------


def wrapped(model, folder, wrapper):
    """The file as a training script of the project writes it."""
    content = {f"module.{key}": value for key, value in tensors(model).items()}
    path = folder / f"{model}.pth"
    torch.save(
        {wrapper: content, "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}}, "epoch": 49}, path
    )
    return path


def test_files_are_known_as_they_are(model, tmp_path):
    path = wrapped(model, tmp_path, "state_dict" if model.endswith("gma") else "model_state_dict")
    found = open_weights(path)
    assert found.model == model
    assert len(found.tensors) + len(found.ignored) + 8 == len(shapes(model))  # eight thirds went into four
    assert all(
        key.startswith(("flownet.attention2.", "flownet.cnet.", "flownet.att.pos_emb."))
        for key in found.ignored
    )
    other = next(name for name in MODELS if name != model)
    with pytest.raises(ModelError, match=f"holds weights of {model}; wanted {other}"):
        open_weights(path, other)
    drawer = load(path, guide=None, iterations=1)
    assert drawer.name == model
    frame0, frame1, _ = frames(SMALL)
    assert drawer(frame0, frame1).shape == frame0.shape


def test_missing_and_left_over_keys_are_named(model):
    content = tensors(model)
    moved = content.pop("synnet.residual_model_tail.3.bias")
    content["synnet.residual_model_tail.9.bias"] = moved
    with pytest.raises(ModelError) as caught:
        recognise(content, None)
    assert "missing: synnet.residual_model_tail.3.bias" in str(caught.value)
    assert "left over: synnet.residual_model_tail.9.bias" in str(caught.value)
    half = {key: value for key, value in content.items() if key.startswith("flownet.")}
    with pytest.raises(ModelError, match=r"missing: feat_ext\.conv1\.weight.* and \d+ more"):
        recognise(half, None)


def test_other_projects_files_are_left_to_others():
    assert recognise({"block0.conv0.0.0.weight": torch.ones(1)}, None) is None
    assert recognise({"flownet.block0.weight": torch.ones(1)}, None) is None


def test_the_table_names_every_tensor_of_ours_once(model):
    for mode in ("official", "paper"):
        config = AnimeInterpConfig("gma" if model.endswith("gma") else "none", mode)
        places = list(table(config).values())
        assert len(set(places)) == len(places)
        assert {name for name, _ in places} == set(AnimeInterpNet(config).state_dict())


def flow_file(kind):
    """RAFT's or GMA's file: that of GMA is inside AnimeInterp + GMA; RAFT's is that without attention."""
    inside = {
        key.removeprefix("flownet."): value
        for key, value in tensors("animeinterp-gma", seed=5).items()
        if key.startswith("flownet.") and ".attention2." not in key
    }
    if kind == "gma":
        return inside
    plain = tensors("animeinterp", seed=5)
    raft = {
        key: value for key, value in inside.items() if not key.startswith(("att.", "update_block.aggregator"))
    }
    return raft | {
        key.removeprefix("flownet."): value for key, value in plain.items() if "update_block" in key
    }


def test_the_thesis_starts_from_gma_over_animeinterp():
    base, flow = tensors("animeinterp"), flow_file("gma")
    found = starting_state(flow, base)
    assert (found.model, found.config["mode"]) == ("animeinterp-gma", "official")
    joined = base | {f"flownet.{key}": value for key, value in flow.items()}
    wanted = recognise(joined, None)
    assert wanted.tensors.keys() == found.tensors.keys()
    assert all(torch.equal(value, found.tensors[key]) for key, value in wanted.tensors.items())
    load_strictly(AnimeInterpNet(AnimeInterpConfig("gma")), found.tensors, "start")


@pytest.mark.parametrize("kind", ["raft", "gma"])
def test_a_starting_state_of_flow_alone_says_what_saw_no_data(kind):
    flow = flow_file(kind)
    with pytest.raises(ModelError, match="starting state"):
        recognise(flow, None)
    found = starting_state(flow)
    assert found.config["mode"] == "paper"
    assert found.config["untrained"] == ["splatted features", "synthesis", "error attention"]
    net = AnimeInterpNet(AnimeInterpConfig("gma" if kind == "gma" else "none", "paper"))
    load_strictly(net, found.tensors, "start")
    assert torch.equal(net.refine.context.stem.weight, flow["cnet.conv1.weight"])
    again = starting_state(flow)
    assert all(torch.equal(value, again.tensors[key]) for key, value in found.tensors.items())
    with pytest.raises(ModelError, match="neither"):
        starting_state(tensors("animeinterp"))


def test_unknown_configurations_are_refused():
    for wrong in ({"attention": "self"}, {"mode": "mine"}, {"iterations": 0}):
        with pytest.raises(ModelError, match="wanted"):
            AnimeInterpConfig(**wrong)
    assert asdict(AnimeInterpConfig())["iterations"] == 12
    assert flatten({"state_dict": {"module.a": torch.ones(1)}}, "x").keys() == {"a"}
    assert SIZE[0] % 4 == 0
    assert released.T == T


def test_the_state_that_was_begun_here_can_be_gone_on_from():
    file = Path(__file__).parents[2] / "training" / "animeinterp-scenes.safetensors"
    begun = load(file, device="cpu")
    assert isinstance(begun, AnimeInterp)
    assert begun.net.config.mode == "paper"
    assert begun.options["guide"] is None  # the gate of coarse flow has not learned

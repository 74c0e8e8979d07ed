"""Under which conditions runs were made, and in which two of them differ: differences()."""

from batchsweep_results import get

REPETITIONS = ["batch_sizes", "seeds", "processes"]  # settings that change no step
ASPECTS = ["model", "data", "program", "cpu", "board", "host", "system", "governor", "clock", "throttled", "kernels"]


def words(value):
    if isinstance(value, (list, tuple)):
        return "/".join(map(words, value))
    return "none" if value is None else str(value)


def conditions(run):
    """{aspect: {name: value}}: what may change a step and is not measured. `run` has `info` and `steps`."""
    info = run.info
    part = {name: get(info, name, kind=dict) or {} for name in ("model", "data", "program", "cpu", "system", "config")}
    found = {aspect: dict(part.get(aspect, {})) for aspect in ASPECTS}
    for aspect in ("model", "data"):
        if get(info, aspect, "crc32"):  # a name is where its file lies
            for name in ("name", "keras_name"):
                found[aspect].pop(name, None)
    clocking = [core for core in get(info, "system", "clocking", kind=list) or [] if isinstance(core, dict)]
    for aspect, names in {"board": ("board", "soc"), "host": ("host_name",),
                          "system": ("kernel", "c_library"), "governor": ("governor", "power_mode")}.items():
        found[aspect] = {name: part["system"].get(name) for name in names}
    found["governor"]["cores"] = [core.get("governor") for core in clocking]
    found["clock"] = {name: [core.get(name) for core in clocking] for name in ("min_freq_hz", "max_freq_hz")}
    found["throttled"] = {"throttled": "yes" if "throttled" in warnings_of(info)
                          or run.steps["flags"].str.contains("throttled").any() else "no"}
    found["kernels"] = {f"{get(row, 'layer')} {get(row, 'direction')} at batch size {get(row, 'batch_size')}, "
                        f"threads {get(row, 'threads')}": get(row, "library")
                        for row in get(info, "kernels", kind=list) or []}
    # Which kernels were asked for shows in who computes.
    return found | {name: {name: value} for name, value in part["config"].items()
                    if name not in [*REPETITIONS, "kernels"]}


def warnings_of(info):
    return sorted({get(warning, "name", kind=str) or "?" for warning in get(info, "warnings", kind=list) or []})


def differences(a, b):
    """{aspect: "name (A's value, B's value)"}, the first of each and how many more."""
    in_a, in_b = conditions(a), conditions(b)
    found = {}
    for aspect in dict.fromkeys([*in_a, *in_b]):
        one, other = in_a.get(aspect, {}), in_b.get(aspect, {})
        # Products of other batch sizes, threads or layers have no counterpart.
        names = [name for name in one if name in other] if aspect == "kernels" else dict.fromkeys([*one, *other])
        pairs = [(name, words(one.get(name)), words(other.get(name))) for name in names]
        pairs = [pair for pair in pairs if pair[1] != pair[2]]
        if pairs:
            name, *values = pairs[0]
            more = f" and {len(pairs) - 1} more" if pairs[1:] else ""
            found[aspect] = f"{name} ({values[0]} in A, {values[1]} in B){more}"
    return found

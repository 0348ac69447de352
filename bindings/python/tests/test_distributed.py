"""Jobs on other processes, and on a real Ray cluster that loses a node on the way."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

import frazil
from frazil.distributed import on_executor, on_ray

PACKAGES = """
builtins.listToAttrs (builtins.genList (n: {
  name = "p${toString n}";
  value = if n == 7 then throw "seven"
    else derivation { name = "p${toString n}"; system = "s"; builder = "b"; n = builtins.foldl' (a: b: a + b) n (builtins.genList (n: n) 20000); };
}) 60)
"""
SPEC = frazil.EvalSpec(expr=PACKAGES, limits=frazil.Limits(memory="1GiB"))


def paths(jobs: list[frazil.Job]) -> dict[str, str | None]:
    return {job.attr: job.drv_path for job in jobs}


@pytest.fixture(scope="module")
def expected() -> dict[str, str | None]:
    found = paths(frazil.run(SPEC))
    assert len(found) == 60 and found["p7"] is None
    return found


def test_parts_are_the_whole(expected: dict[str, str | None]) -> None:
    parts = [paths(frazil.run(SPEC, (i, 4))) for i in range(4)]
    assert all(len(part) > 5 for part in parts), "a part is neither empty nor everything"
    assert sum(map(len, parts)) == 60 and {k: v for part in parts for k, v in part.items()} == expected


def test_processes(expected: dict[str, str | None]) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = list(on_executor(pool, SPEC, parts=4))
    assert len(jobs) == 60 and paths(jobs) == expected
    [seven] = [job for job in jobs if not job.ok]
    assert isinstance(seven.error, frazil.ThrowError) and seven.error.message == "seven"


def test_ray_loses_a_node(expected: dict[str, str | None]) -> None:
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False)
        cluster.wait_for_nodes()
        jobs = []
        lost = False
        for job in on_ray(SPEC, workers=2, parts=12):
            jobs.append(job)
            if not lost:
                lost = True
                cluster.remove_node(nodes[0], allow_graceful=False)
        assert lost and len(jobs) == 60 and paths(jobs) == expected
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call,unused-ignore]

"""One short round of the fault suite; ``python -m tests.faults.controllers`` runs the thorough one."""

import asyncio

import pytest

from sandbox import cluster as control_plane
from sandbox.toolchain.crds import GATEWAY_API, ensure_crds
from tests.faults.controllers.suite import cases, run_all

CASES = {case.id: case for case in cases(thorough=False)}


@pytest.fixture(scope="module")
def outcomes(request, toolchain, tmp_path_factory):
    """What became of the cases that were selected; they run many at a time, under a control plane of their own."""
    folder = tmp_path_factory.mktemp("faults")
    chosen = [item.callspec.params["case"] for item in request.session.items if item.path == request.path]
    try:
        cluster = control_plane.start(folder / "cluster", toolchain, crds=ensure_crds((GATEWAY_API,)))
        found = asyncio.run(run_all([CASES[each] for each in chosen], cluster.kubeconfig, folder, lambda _: None))
    finally:
        control_plane.stop(folder / "cluster", toolchain)
    return {outcome.case.id: outcome.tally for outcome in found}


@pytest.mark.parametrize("case", CASES)
def test_a_disturbed_controller_ends_where_an_undisturbed_one_does(outcomes, case):
    tally = outcomes[case]
    assert not tally.failures, "\n".join(tally.failures)
    assert tally.equal == tally.kills

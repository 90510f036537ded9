"""Tokens, rights and quotas that run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.controllers import steps
from tests.faults.controllers.api import Resource
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.lab import ACCOUNT, ROLE_BINDINGS, SECRETS, Lab, eventually
from tests.faults.controllers.registry import disturbance

if TYPE_CHECKING:
    from tests.faults.controllers.api import Object

QUOTAS = Resource("", "v1", "resourcequotas")
UNAUTHORIZED, FORBIDDEN = 401, 403


@disturbance()
async def expired_token(lab: Lab) -> None:
    await lab.renew_token(bound_to="short-lived")
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    await lab.api.delete(SECRETS, lab.namespace, "short-lived")

    # The API server trusts a token that it has just seen for some seconds more.
    async def refused() -> None:
        await _touch(lab)
        assert any(call.code == UNAUTHORIZED for call in controller.proxy.calls)

    await eventually(refused)
    await steps.create(lab, "storm")
    await lab.renew_token()
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def rights_taken_away_and_given_back(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    binding = await lab.api.get(ROLE_BINDINGS, lab.namespace, ACCOUNT)
    await lab.api.delete(ROLE_BINDINGS, lab.namespace, ACCOUNT)
    await steps.create(lab, "storm")

    async def denied() -> None:
        assert any(call.code == FORBIDDEN for call in controller.proxy.calls)

    await eventually(denied)
    assert controller.alive
    again: Object = {"metadata": {"name": ACCOUNT}, "roleRef": binding["roleRef"], "subjects": binding["subjects"]}
    await lab.api.create(ROLE_BINDINGS, lab.namespace, again)
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def quota_exhausted_and_raised(lab: Lab) -> None:
    _, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    hard = {"count/deployments.apps": "0"}
    await lab.api.create(QUOTAS, lab.namespace, {"metadata": {"name": "few"}, "spec": {"hard": hard}})

    async def enforced() -> None:
        quota = await lab.api.get(QUOTAS, lab.namespace, "few")
        assert quota.get("status", {}).get("hard") == hard

    await eventually(enforced)
    await steps.create(lab, "storm")

    async def shown() -> None:
        condition = await lab.condition("storm")
        assert condition["status"] == "False", condition
        assert "exceeded quota: few" in condition["message"], condition

    await eventually(shown)
    await lab.api.delete(QUOTAS, lab.namespace, "few")
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


async def _touch(lab: Lab) -> None:
    """Give the controller something to do."""
    await steps.clear(lab, "touched")
    await steps.create_small(lab, "touched")

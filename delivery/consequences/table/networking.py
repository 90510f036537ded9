"""Who may connect to whom, and what is reached from outside."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _DOWNTIME, _REPLACEMENT = Consequence.NONE, Consequence.DOWNTIME, Consequence.REPLACEMENT

_POLICY: Final = (
    Rule("+", _NONE, "It comes with its namespace, in which nothing runs yet.", sources.NETWORK_POLICY,
         when.in_new_namespace),
    Rule("+", _DOWNTIME, "Pods that it selects lose every connection that no rule allows.", sources.NETWORK_POLICY),
    Rule("-", _NONE, "Pods that no other policy selects may be reached by all.", sources.NETWORK_POLICY),
    Rule("±", _REPLACEMENT, "Pods that no other policy selects may be reached by all for a moment.",
         sources.NETWORK_POLICY),
    *(
        Rule(f"spec.{direction}.**", _NONE, "One more connection is allowed; the others stay.",
             sources.NETWORK_POLICY, when.allows_more)
        for direction in ("ingress", "egress")
    ),
    Rule("spec.**", _DOWNTIME, "Connections that no rule allows any more are refused.", sources.NETWORK_POLICY),
)  # fmt: skip

_INGRESS: Final = (
    Rule("+", _NONE, "A new address from outside.", sources.INGRESS),
    Rule("-", _DOWNTIME, "Its addresses stop answering.", sources.INGRESS),
    Rule("±", _REPLACEMENT, "Its addresses don't answer for a moment.", sources.INGRESS),
    Rule("spec.rules.**", _NONE, "One more address; the others stay.", sources.INGRESS, when.added),
    Rule("spec.rules.**", _DOWNTIME, "The address as it was stops answering.", sources.INGRESS),
    Rule(
        "spec.ingressClassName", _DOWNTIME, "Another ingress controller answers, at another address.", sources.INGRESS
    ),
    Rule("spec.tls.**", _DOWNTIME, "Clients may get a certificate that they refuse.", sources.INGRESS),
)

NETWORKING: Final = {
    "networking.k8s.io/NetworkPolicy": Kind(_POLICY),
    "networking.k8s.io/Ingress": Kind(_INGRESS),
}

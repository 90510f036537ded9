"""All rules of the pack."""

from policies.rules.availability import DISRUPTION, SPREAD
from policies.rules.images import DIGEST, REGISTRY, TAG
from policies.rules.metadata import LABELS, PROTECTION
from policies.rules.namespaces import ISOLATION, POD_SECURITY
from policies.rules.pods import PROBES, RESOURCES, RESTRICTED
from policies.rules.rights import RIGHTS
from policies.rules.sensitive import PLAINTEXT

RULES = (
    TAG,
    DIGEST,
    REGISTRY,
    RESOURCES,
    PROBES,
    RESTRICTED,
    POD_SECURITY,
    RIGHTS,
    ISOLATION,
    DISRUPTION,
    SPREAD,
    PLAINTEXT,
    PROTECTION,
    LABELS,
)

"""The fault list, one module a sort of fault. Importing the package registers every case."""

from tests.faults.controllers.disturbances import (
    answers as answers,
)
from tests.faults.controllers.disturbances import (
    credentials as credentials,
)
from tests.faults.controllers.disturbances import (
    namespaces as namespaces,
)
from tests.faults.controllers.disturbances import (
    people as people,
)
from tests.faults.controllers.disturbances import (
    rivals as rivals,
)
from tests.faults.controllers.disturbances import (
    servers as servers,
)
from tests.faults.controllers.disturbances import (
    sizes as sizes,
)
from tests.faults.controllers.disturbances import (
    specs as specs,
)
from tests.faults.controllers.disturbances import (
    streams as streams,
)
from tests.faults.controllers.registry import REGISTERED

__all__ = ["REGISTERED"]

"""The shop: settings and the platform's exports in, app out."""

import pulumi
import pulumi_kubernetes as kubernetes
from platform_exports import Platform

from shop import Shop

config = pulumi.Config("shop")
cluster = kubernetes.Provider("cluster", context=config.require("context"), enable_server_side_apply=True)
Shop(
    "shop",
    platform=Platform.from_stack(config.require("platform")),
    image=config.require("image"),
    opts=pulumi.ResourceOptions(provider=cluster),
)

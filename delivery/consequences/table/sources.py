"""The documents that the table rests on."""

from typing import Final

from delivery.consequences.model import Source

_KUBERNETES: Final = "Kubernetes 1.36"

METADATA_DOCUMENT: Final = Source("Kubernetes documentation, Labels and Selectors; Annotations", _KUBERNETES)
DEPLOYMENT: Final = Source("Kubernetes documentation, Deployments", _KUBERNETES)
STATEFUL_SET: Final = Source("Kubernetes documentation, StatefulSets", _KUBERNETES)
DAEMON_SET: Final = Source("Kubernetes documentation, Perform a Rolling Update on a DaemonSet", _KUBERNETES)
JOB: Final = Source("Kubernetes documentation, Jobs; CronJob", _KUBERNETES)
AUTOSCALER: Final = Source("Kubernetes documentation, Horizontal Pod Autoscaling", _KUBERNETES)
DISRUPTION: Final = Source("Kubernetes documentation, Disruptions", _KUBERNETES)
CONFIG: Final = Source("Kubernetes documentation, ConfigMaps; Secrets", _KUBERNETES)
SERVICE: Final = Source("Kubernetes documentation, Service", _KUBERNETES)
NAMESPACE: Final = Source("Kubernetes documentation, Namespaces", _KUBERNETES)
SECURITY_LEVEL: Final = Source("Kubernetes documentation, Pod Security Admission", _KUBERNETES)
ACCOUNT: Final = Source("Kubernetes documentation, Configure Service Accounts for Pods", _KUBERNETES)
QUOTA: Final = Source("Kubernetes documentation, Resource Quotas; Limit Ranges", _KUBERNETES)
PRIORITY: Final = Source("Kubernetes documentation, Pod Priority and Preemption", _KUBERNETES)
RBAC: Final = Source("Kubernetes documentation, Using RBAC Authorization", _KUBERNETES)
NETWORK_POLICY: Final = Source("Kubernetes documentation, Network Policies", _KUBERNETES)
INGRESS: Final = Source("Kubernetes documentation, Ingress", _KUBERNETES)
VOLUMES: Final = Source("Kubernetes documentation, Persistent Volumes", _KUBERNETES)
STORAGE_CLASS: Final = Source("Kubernetes documentation, Storage Classes", _KUBERNETES)
DEFINITION: Final = Source("Kubernetes documentation, Extend the API with CustomResourceDefinitions", _KUBERNETES)
INSTALLATION: Final = Source("Tigera operator, Installation API; Calico documentation, IP pools", "Calico 3.32")
ENCAPSULATION: Final = Source("Calico documentation, Overlay networking", "Calico 3.32")
RECURRING_JOB: Final = Source("Longhorn documentation, Recurring Snapshots and Backups", "Longhorn 1.11")
POSTGRES_MANIFEST: Final = Source("Zalando postgres-operator, Cluster manifest reference", "1.15.1")
POSTGRES_USER: Final = Source("Zalando postgres-operator, User Guide", "1.15.1")
POSTGRES_OPERATOR: Final = Source("Zalando postgres-operator, Configuration parameters", "1.15.1")
POSTGRES_SYNC: Final = Source("Zalando postgres-operator, pkg/cluster/sync.go and cluster.go", "1.15.1")
POSTGRES_IMAGE: Final = Source("Spilo, postgres_backup.sh", "commit 0365242")
POSTGRES_PARAMETERS: Final = Source("PostgreSQL documentation, Server Configuration; view pg_settings, context", "18")
WEBSITES: Final = Source("controllers/website, docs/guide/websites.md", "this repository")
MEMCACHED: Final = Source("controllers/memcached, docs/guide/memcached.md", "this repository")
SAMPLES: Final = Source("controllers/crdwatch, docs/guide/samples.md", "this repository")
RANDOM: Final = Source("Pulumi registry, random.RandomPassword", "random 4.21")
PROVIDER: Final = Source("Pulumi registry, kubernetes.Provider", "kubernetes 4.29")

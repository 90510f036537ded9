"""A chart with one of everything that charts are made of, written into a folder of the test."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KIND = "Gadget"
FILES = {
    "Chart.yaml": "apiVersion: v2\nname: small\nversion: 1.2.3\n",
    "values.yaml": "group: example.com\ngreeting: hello\nreplicas: 1\nwidgets: 1\npassword: quiet\n",
    "values.schema.json": '{"type": "object", "properties": {"replicas": {"type": "integer"}}}',
    # CRDs lie beside the templates and see no values.
    "crds/gadgets.yaml": """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
""",
    "templates/gadget.yaml": """
apiVersion: GROUP/v1
kind: Gadget
metadata: {name: "{{ .Release.Name }}-gadget"}
spec: {since: 2024-01-31, at: 10:30, sign: =, limit: 1e+06, ratio: 0.5, mode: 0755, release: "{{ .Release.Service }}"}
""",
    "templates/configmap.yaml": """
apiVersion: v1
kind: ConfigMapList
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: "{{ .Release.Name }}-greeting"}
    data:
      greeting: {{ .Values.greeting | quote }}
      server: {{ .Capabilities.KubeVersion.Version | quote }}
      deployments: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
      account: {{ (lookup "v1" "ServiceAccount" .Release.Namespace "default").metadata.name | default "none" | quote }}
  - apiVersion: v1
    kind: ConfigMap
    metadata:
      name: "{{ .Release.Name }}-kept"
      annotations: {helm.sh/resource-policy: keep}
""",
    "templates/secret.yaml": """
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-secret"}
stringData: {password: {{ .Values.password | quote }}}
""",
    "templates/deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-server"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec: {containers: [{name: main, image: example.com/nothing}]}
""",
    "templates/role.yaml": """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ .Release.Namespace }}-reader"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
""",
    "templates/hook.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Release.Name }}-hook"
  annotations: {helm.sh/hook: "pre-install,post-delete"}
""",
}


def write_chart(folder: Path, group: str) -> Path:
    """Write the chart, whose CRD belongs to `group`, and return its folder."""
    chart = folder / "small"
    for name, content in FILES.items():
        file = chart / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.replace("GROUP", group))
    return chart


def package(helm: Path, chart: Path) -> Path:
    """Return the chart as the packed file that repositories hold."""
    subprocess.run([helm, "package", chart, "--destination", chart.parent], check=True, capture_output=True)
    return chart.parent / "small-1.2.3.tgz"

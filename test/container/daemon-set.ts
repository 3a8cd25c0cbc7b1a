/** packaging/kubernetes/daemonset.yaml, as Kubernetes reads it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../features.js';

interface Probe {
  httpGet: { path: string; port: string };
}

export interface Container {
  command: string[];
  ports: { name: string; containerPort: number }[];
  livenessProbe: Probe;
  readinessProbe: Probe;
  startupProbe: Probe;
  securityContext: {
    allowPrivilegeEscalation: boolean;
    readOnlyRootFilesystem: boolean;
    capabilities: { drop: string[]; add: string[] };
    seccompProfile: { type: string };
  };
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean; mountPropagation?: string }[];
}

export interface PodSpec {
  hostPID: boolean;
  hostNetwork?: boolean;
  hostIPC?: boolean;
  automountServiceAccountToken: boolean;
  containers: Container[];
  volumes: { name: string; hostPath?: { path: string }; configMap?: { name: string } }[];
}

interface Resource {
  kind: string;
  metadata: { name: string };
  data: Record<string, string>;
  spec: { template: { metadata: { annotations: Record<string, string> }; spec: PodSpec } };
}

export interface DaemonSet {
  config: { name: string; data: Record<string, string> };
  annotations: Record<string, string>;
  pod: PodSpec;
}

export function daemonSet(): DaemonSet {
  const text = readFileSync(path.join(ROOT, 'packaging/kubernetes/daemonset.yaml'), 'utf8');
  const resources = parseAllDocuments(text).map((document) => document.toJS() as Resource);
  const of = (kind: string): Resource => {
    const found = resources.find((each) => each.kind === kind);
    if (!found) throw new Error(`no ${kind}`);
    return found;
  };
  const { metadata, spec } = of('DaemonSet').spec.template;
  const { metadata: named, data } = of('ConfigMap');
  return { config: { name: named.name, data }, annotations: metadata.annotations, pod: spec };
}

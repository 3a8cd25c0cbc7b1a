/** Paths of cgroups as hosts have them, and where each comes from. */
import type { CgroupFacts } from '#tcpscope/attribute/cgroup-path.js';

export const ID = '3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860';
const OUTER = '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d';
export const UID = '8a6c1f3e-0b2d-4c55-9d0a-5e1f7a9b3c21';
const UID_ = UID.replaceAll('-', '_');
const STATIC_UID = 'd4f5e1c2a7b83946f0e1d2c3b4a59687';

/** A container of the pod. */
const IN_POD = { containerId: ID, podUid: UID, directlyInPod: true };

/** What the path says; what is not named is undefined. */
export interface Shape {
  from: string;
  path: string;
  facts: Partial<CgroupFacts>;
}

export const KUBERNETES: readonly Shape[] = [
  {
    from: 'kubelet and containerd, cgroupfs driver, QoS burstable',
    path: `/kubepods/burstable/pod${UID}/${ID}`,
    facts: IN_POD,
  },
  {
    from: 'kubelet, cgroupfs driver, QoS guaranteed: no folder of its own',
    path: `/kubepods/pod${UID}/${ID}`,
    facts: IN_POD,
  },
  {
    from: 'containerd, systemd driver (kubeadm)',
    path: `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    facts: { ...IN_POD, runtime: 'containerd' },
  },
  {
    from: 'containerd, systemd driver, QoS guaranteed',
    path: `/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    facts: { ...IN_POD, runtime: 'containerd' },
  },
  {
    from: 'CRI-O, systemd driver (OpenShift)',
    path: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-${ID}.scope`,
    facts: { ...IN_POD, runtime: 'cri-o' },
  },
  {
    from: 'CRI-O with crun: processes in a cgroup below',
    path: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-${ID}.scope/container`,
    facts: { ...IN_POD, runtime: 'cri-o' },
  },
  {
    from: 'CRI-O, cgroupfs driver',
    path: `/kubepods/besteffort/pod${UID}/crio-${ID}`,
    facts: { ...IN_POD, runtime: 'cri-o' },
  },
  {
    from: 'CRI-O: the monitor of a container is not the container',
    path: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-conmon-${ID}.scope`,
    facts: { podUid: UID, unit: `crio-conmon-${ID}.scope` },
  },
  {
    from: 'docker by cri-dockerd or the old dockershim, systemd driver',
    path: `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/docker-${ID}.scope`,
    facts: { ...IN_POD, runtime: 'docker' },
  },
  {
    from: 'dockershim: a process that made itself a cgroup below (kube-proxy)',
    path: `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/docker-${ID}.scope/kube-proxy`,
    facts: { ...IN_POD, runtime: 'docker' },
  },
  {
    from: 'systemd in a container of a pod',
    path: `/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope/init.scope`,
    facts: { ...IN_POD, runtime: 'containerd' },
  },
  {
    from: 'a static pod of kubeadm: its UID is a hash',
    path: `/kubepods/burstable/pod${STATIC_UID}/${ID}`,
    facts: { ...IN_POD, podUid: STATIC_UID },
  },
  {
    from: 'a static pod, systemd driver',
    path: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${STATIC_UID}.slice/cri-containerd-${ID}.scope`,
    facts: { ...IN_POD, podUid: STATIC_UID, runtime: 'containerd' },
  },
  {
    from: 'k3s (containerd inside of k3s.service, cgroupfs names)',
    path: `/kubepods/besteffort/pod${UID}/${ID}`,
    facts: IN_POD,
  },
  {
    from: 'kubelet with the systemd driver and containerd without: the name is taken for a path',
    path: `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
    facts: { ...IN_POD, runtime: 'containerd' },
  },
  {
    from: 'k3s, the same mistake',
    path: `/system.slice/k3s.service/kubepods-pod${UID_}.slice:cri-containerd:${ID}`,
    facts: { ...IN_POD, runtime: 'containerd' },
  },
  {
    from: 'kind before v0.20: a pod in a node, which is a docker container (cgroupfs)',
    path: `/docker/${OUTER}/kubelet/kubepods/burstable/pod${UID}/${ID}`,
    facts: IN_POD,
  },
  {
    from: 'kind, systemd driver, cgroup v2',
    path: `/system.slice/docker-${OUTER}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    facts: { ...IN_POD, runtime: 'containerd' },
  },
  {
    from: 'kind or minikube, cgroup v1: kubepods.slice below the node',
    path: `/docker/${OUTER}/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/crio-${ID}.scope`,
    facts: { ...IN_POD, runtime: 'cri-o' },
  },
  {
    from: 'kind: the kubelet of a node',
    path: `/docker/${OUTER}/kubelet.slice/kubelet.service`,
    facts: { runtime: 'docker', containerId: OUTER, unit: 'kubelet.service' },
  },
  {
    from: 'docker in a pod (CI runners): the inner container is the owner, in that pod',
    path: `/kubepods/burstable/pod${UID}/${OUTER}/docker/${ID}`,
    facts: { runtime: 'docker', containerId: ID, podUid: UID, directlyInPod: false },
  },
  {
    from: 'the cgroup of a pod itself',
    path: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice`,
    facts: { podUid: UID },
  },
  {
    from: '/proc/PID/cgroup of another container, seen in a cgroup namespace',
    path: `/../../pod${UID}/${ID}`,
    facts: IN_POD,
  },
];

export const CONTAINERS: readonly Shape[] = [
  {
    from: 'docker, cgroupfs driver',
    path: `/docker/${ID}`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'docker, systemd driver',
    path: `/system.slice/docker-${ID}.scope`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'docker with --cgroup-parent',
    path: `/mycgroup.slice/docker-${ID}.scope`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'docker on Debian 8: no folder around',
    path: `/${ID}`,
    facts: { containerId: ID },
  },
  {
    from: 'docker rootless, cgroup v2',
    path: `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`,
    facts: { runtime: 'docker', containerId: ID, unit: 'user@1000.service' },
  },
  {
    from: 'docker in docker: the inner one',
    path: `/docker/${OUTER}/docker/${ID}`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'docker with containerd, its argument for systemd taken for a path: the engine is no unit of it',
    path: `/system.slice/containerd.service/system.slice:docker:${ID}`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'docker as a unit of systemd in a container',
    path: `/docker/${OUTER}/system.slice/docker.service/docker/${ID}`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'systemd in a docker container: its unit is known as well',
    path: `/docker/${ID}/system.slice/nginx.service`,
    facts: { runtime: 'docker', containerId: ID, unit: 'nginx.service' },
  },
  {
    from: 'podman as root',
    path: `/machine.slice/libpod-${ID}.scope`,
    facts: { runtime: 'podman', containerId: ID },
  },
  {
    from: 'podman with crun',
    path: `/machine.slice/libpod-${ID}.scope/container`,
    facts: { runtime: 'podman', containerId: ID },
  },
  {
    from: 'a pod of podman',
    path: `/machine.slice/machine-libpod_pod_${OUTER}.slice/libpod-${ID}.scope/container`,
    facts: { runtime: 'podman', containerId: ID },
  },
  {
    from: 'podman rootless',
    path: `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
    facts: { runtime: 'podman', containerId: ID, unit: 'user@1000.service' },
  },
  {
    from: 'podman by Quadlet (--cgroups=split): the service is known as well',
    path: `/system.slice/quadlet-web.service/libpod-payload-${ID}`,
    facts: { runtime: 'podman', containerId: ID, unit: 'quadlet-web.service' },
  },
  {
    from: 'podman by Quadlet: its monitor',
    path: '/system.slice/quadlet-web.service/runtime',
    facts: { unit: 'quadlet-web.service' },
  },
  {
    from: 'podman, cgroupfs',
    path: `/libpod_parent/libpod-${ID}`,
    facts: { runtime: 'podman', containerId: ID },
  },
  {
    from: 'podman: the monitor of a container',
    path: `/machine.slice/libpod-conmon-${ID}.scope`,
    facts: { unit: `libpod-conmon-${ID}.scope` },
  },
  {
    from: 'nerdctl, systemd driver',
    path: `/system.slice/nerdctl-${ID}.scope`,
    facts: { runtime: 'containerd', containerId: ID },
  },
  {
    from: 'nerdctl, cgroupfs driver: the namespace of containerd',
    path: `/default/${ID}`,
    facts: { runtime: 'containerd', containerId: ID },
  },
  {
    from: '`ctr run`: its id is any name',
    path: '/default/redis',
    facts: { runtime: 'containerd', containerName: 'redis' },
  },
  {
    from: 'a step of a build by docker, cgroupfs driver',
    path: '/docker/buildkit/k2hb0sivz6aqf8uwyj4nqrm1x',
    facts: { runtime: 'buildkit', containerId: 'k2hb0sivz6aqf8uwyj4nqrm1x' },
  },
  {
    from: 'a step of a build by docker, its argument for systemd taken for a path',
    path: '/system.slice/system.slice:docker:k2hb0sivz6aqf8uwyj4nqrm1x',
    facts: { runtime: 'buildkit', containerId: 'k2hb0sivz6aqf8uwyj4nqrm1x' },
  },
  {
    from: 'Amazon ECS on EC2',
    path: `/ecs/55091c13-b8cf-4801-b527-f4601742204d/${ID}`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'Amazon ECS on Fargate',
    path: '/ecs/34dc0b5e626f2c5c4c5170e34b10e765/34dc0b5e626f2c5c4c5170e34b10e765-1234567890',
    facts: { runtime: 'docker', containerId: '34dc0b5e626f2c5c4c5170e34b10e765-1234567890' },
  },
  {
    from: 'Amazon ECS on EC2, systemd driver',
    path: `/ecstasks.slice/ecstasks-34dc0b5e626f2c5c4c5170e34b10e765.slice/docker-${ID}.scope`,
    facts: { runtime: 'docker', containerId: ID },
  },
  {
    from: 'Cloud Foundry (Garden)',
    path: '/system.slice/garden.service/garden/6f265890-5165-7fab-6b52-18d1',
    facts: { runtime: 'garden', containerId: '6f265890-5165-7fab-6b52-18d1', unit: 'garden.service' },
  },
  {
    from: 'LXC 4 and Incus',
    path: '/lxc.payload.web-1/system.slice/nginx.service',
    facts: { runtime: 'lxc', containerName: 'web-1', unit: 'nginx.service' },
  },
  {
    from: 'LXC: the monitor of a container',
    path: '/lxc.monitor.web-1',
    facts: {},
  },
  {
    from: 'Proxmox',
    path: '/lxc/101/ns/init.scope',
    facts: { runtime: 'lxc', containerName: '101' },
  },
  {
    from: 'systemd-nspawn by its service',
    path: '/machine.slice/systemd-nspawn@db\\x2d1.service/payload/system.slice/postgresql.service',
    facts: { runtime: 'systemd-nspawn', containerName: 'db-1', unit: 'postgresql.service' },
  },
  {
    from: 'systemd-nspawn by hand: machined makes a scope',
    path: '/machine.slice/machine-db\\x2d1.scope/payload',
    facts: { runtime: 'systemd-nspawn', containerName: 'db-1' },
  },
  {
    from: 'libvirt: a container',
    path: '/machine.slice/machine-lxc\\x2d2718\\x2dweb.scope',
    facts: { runtime: 'lxc', containerName: 'web' },
  },
  {
    from: 'libvirt: a virtual machine is no container',
    path: '/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator',
    facts: { unit: 'machine-qemu-1-vm.scope' },
  },
];

export const UNITS: readonly Shape[] = [
  { from: 'a service', path: '/system.slice/nginx.service', facts: { unit: 'nginx.service' } },
  {
    from: 'an instance of a template in a slice of its own',
    path: '/system.slice/system-getty.slice/getty@tty1.service',
    facts: { unit: 'getty@tty1.service' },
  },
  {
    from: 'a service that makes cgroups below its own',
    path: '/system.slice/systemd-udevd.service/udev',
    facts: { unit: 'systemd-udevd.service' },
  },
  {
    from: 'a session of a user',
    path: '/user.slice/user-1000.slice/session-3.scope',
    facts: { unit: 'session-3.scope' },
  },
  {
    from: 'a service of a user',
    path: '/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service',
    facts: { unit: 'foo.service' },
  },
  {
    from: 'an application of GNOME: escaped',
    path: '/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-org.mozilla.firefox\\x2desr-4711.scope',
    facts: { unit: 'app-gnome-org.mozilla.firefox-esr-4711.scope' },
  },
  {
    from: "a user's service manager itself",
    path: '/user.slice/user-1000.slice/user@1000.service/init.scope',
    facts: { unit: 'user@1000.service' },
  },
  { from: 'systemd itself', path: '/init.scope', facts: { unit: 'init.scope' } },
  {
    from: 'only a slice, as hierarchies of v1 often have',
    path: '/system.slice',
    facts: { unit: 'system.slice' },
  },
  {
    from: 'a unit with the name of a controller',
    path: '/system.slice/_cpuset.service',
    facts: { unit: 'cpuset.service' },
  },
  {
    from: 'a name in UTF-8',
    path: '/system.slice/caf\\xc3\\xa9.service',
    facts: { unit: 'café.service' },
  },
  {
    from: 'a name that is no UTF-8 stays escaped',
    path: '/system.slice/caf\\xe9 100%.service',
    facts: { unit: 'caf\\xe9 100%.service' },
  },
  {
    from: 'a name that would drive a terminal, escaped or not',
    path: '/system.slice/a\\x1b[31m\u001b[0mb.service',
    facts: { unit: 'a[31m[0mb.service' },
  },
  {
    from: 'a name with colons, as buses have',
    path: '/system.slice/dbus-:1.2:org.freedesktop.problems@0.service',
    facts: { unit: 'dbus-:1.2:org.freedesktop.problems@0.service' },
  },
  { from: 'the root', path: '/', facts: {} },
  { from: 'made by hand', path: '/mine/web', facts: {} },
  { from: '32 digits alone are no container', path: `/jobs/${STATIC_UID}`, facts: {} },
  {
    from: 'a word that begins with pod',
    path: '/podium/podcast.service',
    facts: { unit: 'podcast.service' },
  },
];

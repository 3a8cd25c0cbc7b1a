/** What to load; a program that brings the addon along in another way replaces this module. */
export function addonFile(): string {
  // The variable chooses another build of the addon, such as the one with the address sanitizer.
  return process.env.BPF_NATIVE_BINDINGS_ADDON ?? `#prebuilds/linux-${process.arch}/bpf.node`;
}

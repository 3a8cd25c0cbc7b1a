/** Where to load the addon from; a program that brings it along in another way replaces this module. */
export function addonFile(): { path: string; isOurs: boolean } {
  // The variable chooses another build of the addon, such as the one with the address sanitizer.
  const chosen = process.env.BPF_NATIVE_BINDINGS_ADDON;
  return chosen === undefined
    ? { path: `#prebuilds/linux-${process.arch}/bpf.node`, isOurs: true }
    : { path: chosen, isOurs: false };
}

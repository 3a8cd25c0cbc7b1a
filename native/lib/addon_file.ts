export interface AddonFile {
  path: string;
  /** Whether it comes with this package, and is not one that the user chose. */
  isOurs: boolean;
  /** To call when it is loaded, or cannot be. */
  release?: () => void;
}

/** Where to load the addon from; a program that brings it along in another way replaces this module. */
export function addonFile(): AddonFile {
  // The variable chooses another build of the addon, such as the one with the address sanitizer.
  const chosen = process.env.BPF_NATIVE_BINDINGS_ADDON;
  return chosen === undefined
    ? { path: `#prebuilds/linux-${process.arch}/bpf.node`, isOurs: true }
    : { path: chosen, isOurs: false };
}

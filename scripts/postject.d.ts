declare module 'postject' {
  /** Puts `resource` into the executable as the note `name`. */
  export function inject(
    executable: string,
    name: string,
    resource: Buffer,
    options: { sentinelFuse: string },
  ): Promise<void>;
}

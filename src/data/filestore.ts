import type { Readable } from 'node:stream'

/** A tenant's own files, by relative path such as `sponsors/logo.png`. */
export interface Filestore {
  /** Writes the file whole or not at all, replacing an earlier one. */
  write(path: string, content: Uint8Array | Readable): Promise<{ bytes: number; sha256: string }>
  /** Opens for reading. Throws a Problem `file-not-found` (404) or `file-path` (400). */
  open(path: string): Promise<{ bytes: number; stream: Readable }>
  remove(path: string): Promise<void>
  /** Relative paths of all files, sorted. */
  list(): Promise<string[]>
}

import type { Layout } from './layout.ts'
import type { Trial } from './trial.ts'

/** What the probes use; a test may break a part. */
export interface ReleaseParts {
  /** Processes of another build than the one on the disk, and files of this build that were changed, in words. */
  compareWithDisk(): Promise<{ processes: string[]; files: string[] }>
  /** Undefined where sockets cannot be handed on. */
  openTrial(): Promise<Trial | undefined>
  releaseBefore(layout: Layout): string | undefined
}

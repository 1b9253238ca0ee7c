import { defineProblem } from '../../kernel/problems.ts'
import type { Bytes } from './frames.ts'

/** One stored object. */
export interface StoredObject {
  /** `<tenant id>/<backup id>/dump`, `…/manifest`, or `<tenant id>/media/<name>`. */
  name: string
  size: number
}

/** Where encrypted backups lie. An object is whole or not there, and is never overwritten. */
export interface Repository {
  kind: 'file-system' | 's3'
  /**
   * Stores `content` until `keepUntil` at least, where the repository can hold it against deletion. Durable when it
   * resolves; after a failure or a crash nothing by this name is there. Throws a Problem `backup-object-exists` when
   * something already is.
   */
  put(name: string, content: Bytes, keepUntil: Date): Promise<void>
  /** Throws a Problem `backup-object-missing`. */
  open(name: string): Promise<AsyncIterable<Uint8Array>>
  has(name: string): Promise<boolean>
  /** Objects whose names begin with `prefix`, sorted by name. */
  list(prefix: string): Promise<StoredObject[]>
  /** Objects that are held again by a newer backup must stay as long as that one. */
  extend(name: string, keepUntil: Date): Promise<void>
  /** Removes an object and all its versions; nothing happens when there is none. */
  remove(name: string): Promise<void>
}

export const objectExists = defineProblem({
  code: 'backup-object-exists',
  status: 409,
  title: 'A backup is never overwritten',
})

export const objectMissing = defineProblem({
  code: 'backup-object-missing',
  status: 404,
  title: 'A part of the backup is missing',
})

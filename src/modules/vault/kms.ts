/** Who holds the master keys: wraps data keys and opens them again. Nothing else ever sees a master key. */
export interface Kms {
  /** For people: `file`, `transit`. */
  kind: string
  /**
   * Makes sure that master key `version` can wrap, making it where this KMS can, and returns what tells it from any
   * other key (no secret). Throws Problems `master-key-missing` and `master-key-invalid`.
   */
  provide(version: number): Promise<string>
  /** Whether master key `version` is here and is the one that `fingerprint` tells. Makes none. */
  holds(version: number, fingerprint: string): Promise<boolean>
  /** Wraps a data key under master key `version`, bound to `context`. */
  wrap(version: number, plain: Buffer, context: string): Promise<string>
  /** What `wrap` wrapped with the same context; null when either was changed. Throws `master-key-missing`. */
  unwrap(wrapped: string, context: string): Promise<Buffer | null>
}

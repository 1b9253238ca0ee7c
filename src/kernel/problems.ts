/** What the reader of a failed request or command gets (RFC 9457). */
export interface ProblemDetails {
  type: string
  title: string
  status: number
  detail: string
  code: string
  [extension: string]: unknown
}

interface ProblemKind {
  /** Stable, kebab-case; becomes the `type` URI `urn:surety:problem:<code>`. */
  code: string
  /** HTTP status. */
  status: number
  /** Short, the same for every occurrence. */
  title: string
}

/** The one error family: every expected failure is a Problem; anything else is a defect and answers 500. */
export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly extensions: Record<string, unknown>

  constructor(kind: ProblemKind, detail: string, extensions: Record<string, unknown> = {}, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause })
    this.name = 'Problem'
    this.code = kind.code
    this.status = kind.status
    this.title = kind.title
    this.extensions = extensions
  }

  /** The RFC 9457 members, safe to send: no stack, no cause. */
  details(): ProblemDetails {
    return {
      ...this.extensions,
      type: `urn:surety:problem:${this.code}`,
      title: this.title,
      status: this.status,
      detail: this.message,
      code: this.code,
    }
  }
}

/**
 * Declares one kind of problem and returns the function that makes it. `detail` says what happened this time and what
 * the reader can do; `extensions` are further public members.
 */
export function defineProblem(kind: ProblemKind) {
  return (detail: string, options: { extensions?: Record<string, unknown>; cause?: unknown } = {}): Problem =>
    new Problem(kind, detail, options.extensions, options.cause)
}

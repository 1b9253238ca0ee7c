import { Refused } from '../api/call.ts'
import { useWords } from '../words/index.tsx'

/** An error thrown by a page itself, in words for the reader. */
export class Said extends Error {}

/** Says what went wrong, in the reader's language. */
export function useProblem(): (error: unknown) => string {
  const { problems } = useWords()
  return (error) => {
    if (error instanceof Said) return error.message
    const code =
      error instanceof Refused ? error.code : error instanceof DOMException ? error.name : 'unknown'
    return problems[code] ?? (problems['unknown'] as string)
  }
}

/** A refusal of one of `statuses` is an answer like any other: `as`. */
export const refusedAs =
  <As>(as: As, ...statuses: number[]) =>
  (error: unknown): As => {
    if (error instanceof Refused && statuses.includes(error.status)) return as
    throw error
  }

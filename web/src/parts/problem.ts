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

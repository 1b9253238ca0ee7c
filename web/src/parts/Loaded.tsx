import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Refused } from '../api/call.ts'
import { useWords } from '../words/index.tsx'
import { useProblem } from './problem.ts'

/** Shows what was read, or that it is on its way, or why it did not come. */
export function Loaded<Data>({
  query,
  children,
}: {
  query: UseQueryResult<Data>
  children(data: Data): ReactNode
}) {
  const words = useWords()
  const problem = useProblem()
  if (query.data !== undefined) return children(query.data)
  if (query.isError)
    return (
      <div className="empty" role="alert">
        <p>{problem(query.error)}</p>
        {!isFinal(query.error) && (
          <button type="button" onClick={() => void query.refetch()}>
            {words.again}
          </button>
        )}
      </div>
    )
  return (
    <p className="empty" role="status">
      {words.loading}
    </p>
  )
}

/** Whether asking again would be answered the same. */
const isFinal = (error: Error): boolean => error instanceof Refused && [403, 404].includes(error.status)

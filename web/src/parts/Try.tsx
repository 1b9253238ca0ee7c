import { useState } from 'react'
import { useProblem } from './problem.ts'

/** A button that does one thing, and says when it did not work. */
export function Try(props: { label: string; primary?: boolean; work(): Promise<unknown> }) {
  const problem = useProblem()
  const [pending, setPending] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const work = async () => {
    setPending(true)
    setError(null)
    await props.work().catch(setError)
    setPending(false)
  }
  return (
    <div className="try">
      <button
        type="button"
        className={props.primary ? 'primary' : undefined}
        aria-busy={pending}
        onClick={() => void (pending || work())}
      >
        {props.label}
      </button>
      <p role="alert" className="error">
        {error === null ? '' : problem(error)}
      </p>
    </div>
  )
}

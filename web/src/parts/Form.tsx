import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { focusFirst } from './Dialog.tsx'
import { useProblem } from './problem.ts'

/** What the fields of a form hold, by name. */
export type Values = Record<string, string>

/** One set of fields and the button that sends them. What goes wrong is said above the button, and read out. */
export function Form(props: {
  submit: string
  children: ReactNode
  danger?: boolean
  send(values: Values, form: FormData): Promise<unknown>
}) {
  const [pending, setPending] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const problem = useProblem()
  const form = useRef<HTMLFormElement>(null)
  // In a dialog that opened before its fields were there.
  useEffect(() => focusFirst(form.current?.closest('dialog') ?? null), [])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (pending || !form.current) return
    const data = new FormData(form.current)
    const values = Object.fromEntries([...data].map(([name, value]) => [name, String(value)]))
    setPending(true)
    setError(null)
    try {
      await props.send(values, data)
    } catch (failure) {
      setError(failure)
      form.current?.querySelector<HTMLInputElement>('input:not([hidden])')?.focus()
    } finally {
      setPending(false)
    }
  }
  return (
    <form ref={form} onSubmit={submit} className="form">
      {props.children}
      <p role="alert" className="error">
        {error === null ? '' : problem(error)}
      </p>
      <button type="submit" className={props.danger ? 'danger' : 'primary'} aria-busy={pending}>
        {props.submit}
      </button>
    </form>
  )
}

/** A labelled input; takes what an input takes. */
export function Field({
  label,
  hint,
  ...input
}: { label: string; hint?: string; name: string } & React.InputHTMLAttributes<HTMLInputElement>) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} required aria-describedby={hint ? `${id}-hint` : undefined} {...input} />
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  )
}

/** A labelled choice of one. */
export function Choice(props: {
  label: string
  name: string
  options: readonly { value: string; label: string }[]
  initial?: string
}) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <select id={id} name={props.name} defaultValue={props.initial}>
        {props.options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  )
}

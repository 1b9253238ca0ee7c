import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useWords } from '../words/index.tsx'

/** Asks or tells something before all else; the browser keeps the focus in it and closes it by Escape. */
export function Dialog({ title, close, children }: { title: string; close(): void; children: ReactNode }) {
  const words = useWords()
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const opened = dialog.current
    const before = document.activeElement
    opened?.showModal()
    focusFirst(opened)
    return () => {
      opened?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        close()
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" className="plain" onClick={close}>
          {words.close}
        </button>
      </header>
      {children}
    </dialog>
  )
}

/** The first field rather than the button that closes. */
export function focusFirst(within: HTMLElement | null): void {
  within?.querySelector<HTMLElement>('form :is(input:not([hidden]), select)')?.focus()
}

import { useState } from 'react'
import { useWords } from '../words/index.tsx'

/** Something shown once, to be copied. */
export function Secret({ text, label }: { text: string; label?: string }) {
  const words = useWords()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <div className="secret">
      <code>{text}</code>
      <button type="button" onClick={() => void copy()}>
        {copied ? words.copied : (label ?? words.copy)}
      </button>
      <span role="status" className="hidden">
        {copied ? words.copied : ''}
      </span>
    </div>
  )
}

import { createContext, type ReactNode, use, useEffect, useState } from 'react'

const Telling = createContext<(what: string) => void>(() => undefined)
const SHOWN_FOR = 6_000

/** Tells in a line at the bottom what was done, and reads it out. */
export function Told({ children }: { children: ReactNode }) {
  const [told, setTold] = useState<{ text: string } | null>(null)
  useEffect(() => {
    const timer = told && setTimeout(() => setTold(null), SHOWN_FOR)
    return () => clearTimeout(timer ?? undefined)
  }, [told])
  return (
    <Telling value={(text) => setTold({ text })}>
      {children}
      <p role="status" className="told">
        {told?.text}
      </p>
    </Telling>
  )
}

export const useTell = (): ((what: string) => void) => use(Telling)

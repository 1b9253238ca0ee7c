import { createContext, type ReactNode, use, useEffect, useState } from 'react'
import { de } from './de.ts'
import { en, type Words } from './en.ts'

const LANGUAGES = { de, en }
type Language = keyof typeof LANGUAGES
const KEPT = 'surety-language'

const Spoken = createContext<{ language: Language; choose(language: Language): void }>({
  language: 'en',
  choose: () => undefined,
})

/** Speaks the language that was chosen here before, or that the browser prefers. */
export function Languages({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(preferred)
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  const choose = (chosen: Language) => {
    localStorage.setItem(KEPT, chosen)
    setLanguage(chosen)
  }
  return <Spoken value={{ language, choose }}>{children}</Spoken>
}

export const useWords = (): Words => LANGUAGES[use(Spoken).language]

/** The other language, as a button in its own words. */
export function OtherLanguage() {
  const { language, choose } = use(Spoken)
  const other = language === 'de' ? 'en' : 'de'
  return (
    <button type="button" className="plain" lang={other} onClick={() => choose(other)}>
      {LANGUAGES[other].language}
    </button>
  )
}

/** Writes instants for people, in their own time zone. */
export function useMoment(): (instant: string) => string {
  const { language } = use(Spoken)
  const format = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
  })
  return (instant) => format.format(new Date(instant))
}

/** Writes sizes and durations for people. */
export function useAmounts(): { bytes(count: number): string; duration(ms: number): string } {
  const { language } = use(Spoken)
  const write = (value: number, unit: string) =>
    new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(value)
  return {
    bytes: (count) => (count < 1e6 ? write(count / 1e3, 'kilobyte') : write(count / 1e6, 'megabyte')),
    duration: (ms) => (ms < 60_000 ? write(ms / 1000, 'second') : write(ms / 60_000, 'minute')),
  }
}

function preferred(): Language {
  const asked = [localStorage.getItem(KEPT), ...navigator.languages]
  for (const tag of asked) {
    const known = (Object.keys(LANGUAGES) as Language[]).find((language) => tag?.split('-')[0] === language)
    if (known) return known
  }
  return 'en'
}

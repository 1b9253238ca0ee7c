import type { Language } from './duration.ts'

/** The language that an Accept-Language header (RFC 9110 §12.5.4) prefers among ours; English when it names neither. */
export function preferredLanguage(header: string | undefined): Language {
  const weights = (header ?? '').split(',').map((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    return { language: tag.split('-')[0], weight: q ? Number(q.slice(2)) : 1 }
  })
  const weight = (language: Language) =>
    Math.max(0, ...weights.filter((one) => one.language === language).map((one) => one.weight || 0))
  return weight('de') > weight('en') ? 'de' : 'en'
}

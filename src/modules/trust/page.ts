import { html } from 'ghtml'
import type { Language } from '../../kernel/duration.ts'
import type { Outcome } from '../../proof/measure.ts'
import { outcomeWords, words } from './words.ts'

/** One whole page. `path` is what follows the language in the address. */
export function page(language: Language, name: string, path: string, title: string, body: string): string {
  const other = language === 'de' ? 'en' : 'de'
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${words[language].lead}">
<title>${title} · ${name}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/trust.css">
<link rel="alternate" hreflang="${other}" href="/${other}${path}">
</head>
<body>
<header><a class="name" href="/${language}">${name}</a><a href="/${other}${path}" hreflang="${other}" lang="${other}">${other === 'de' ? 'Deutsch' : 'English'}</a></header>
<main>!${body}</main>
<footer><a href="/${language}/verify">${words[language].verify}</a> <a href="/api/v1/docs/">API</a></footer>
</body>
</html>`
}

/** An outcome as sign and word; the colour only repeats it. */
export function badge(outcome: Outcome, language: Language): string {
  const word = outcomeWords[outcome]
  return html`<span class="badge ${word.tone}"><span aria-hidden="true">${word.sign}</span> ${word[language]}</span>`
}

/** An instant for people, Europe/Berlin, with the exact one for machines. */
export function moment(instant: string, language: Language): string {
  const locale = language === 'de' ? 'de-DE' : 'en-GB'
  const text = new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'long',
    timeZone: 'Europe/Berlin',
  })
  return html`<time datetime="${instant}">${text.format(new Date(instant))}</time>`
}

/** How the latest runs of a probe went, oldest first, as a row of marks. */
export function strip(recent: readonly Outcome[], language: Language): string {
  if (recent.length < 2) return ''
  const marks = [...recent].reverse().map((outcome, i) => {
    const { tone } = outcomeWords[outcome]
    return html`<rect class="${tone}" x="${i * 6}" y="${tone === 'good' ? 4 : 0}" width="4" height="${tone === 'good' ? 8 : 12}"/>`
  })
  const good = recent.filter((outcome) => outcomeWords[outcome].tone === 'good').length
  const label = `${words[language].recent}: ${good} ${words[language].of} ${recent.length} ✓`
  return html`<svg class="strip" role="img" aria-label="${label}" width="${recent.length * 6}" height="12" viewBox="0 0 ${recent.length * 6} 12"><title>${label}</title>!${marks.join('')}</svg>`
}

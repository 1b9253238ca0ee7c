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

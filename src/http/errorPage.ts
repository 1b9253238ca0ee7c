import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { html } from 'ghtml'
import type { Language } from '../kernel/duration.ts'
import type { Problem } from '../kernel/problems.ts'

const TITLES: Record<Language, Record<number, string>> = {
  de: {
    404: 'Diese Seite gibt es hier nicht',
    421: 'Hier ist niemand unter diesem Namen zu erreichen',
    429: 'Das waren zu viele Anfragen auf einmal',
    503: 'Im Augenblick nicht erreichbar',
  },
  en: {
    404: 'There is no such page here',
    421: 'Nobody answers by that name here',
    429: 'That was too much at once',
    503: 'Not available right now',
  },
}
const OTHER: Record<Language, string> = {
  de: 'Das hat nicht geklappt',
  en: 'That did not work',
}
const BACK: Record<Language, string> = { de: 'Zur Startseite', en: 'To the start page' }

const css = readFileSync(new URL('./errors.css', import.meta.url), 'utf8')

/** The page must look right also where nothing else answers, so its style stands in it; only that style may. */
export const ERROR_PAGE_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(css).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`

/** The same facts as the problem document, for a person. */
export function errorPage(problem: Problem, language: Language): string {
  const title = TITLES[language][problem.status] ?? OTHER[language]
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>!${css}</style>
</head>
<body>
<main>
<p class="status">${problem.status}</p>
<h1>${title}</h1>
<p lang="en">${problem.message}</p>
<p><a href="/">${BACK[language]}</a></p>
</main>
</body>
</html>`
}

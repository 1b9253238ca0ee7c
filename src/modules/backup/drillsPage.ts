import { html } from 'ghtml'
import type { Language } from '../../kernel/duration.ts'
import type { DrillReport } from './drillLog.ts'
import type { DrillSummary } from './summary.ts'

const words = {
  en: {
    title: 'Restore drills',
    lead: 'Backups of canary tenants, really restored, booted and compared. Times are measured, not estimated.',
    median: 'median',
    worst: 'worst',
    rto: 'Until the first verified answer',
    largest: 'Projected to the largest tenant',
    rpo: 'Age of the data at the start of the drill',
    failed: 'Drills that failed',
    passed: 'passed',
    notPassed: 'failed',
    phase: 'Phase',
    none: 'There was no drill yet.',
    overview: 'All measures',
    what: 'Compared',
    result: 'Result',
  },
  de: {
    title: 'Wiederherstellungsübungen',
    lead: 'Sicherungen von Prüfmandanten, wirklich wiederhergestellt, gestartet und verglichen. Die Zeiten sind gemessen, nicht geschätzt.',
    median: 'Median',
    worst: 'schlechteste',
    rto: 'Bis zur ersten geprüften Antwort',
    largest: 'Hochgerechnet auf den größten Mandanten',
    rpo: 'Alter der Daten zu Beginn der Übung',
    failed: 'Gescheiterte Übungen',
    passed: 'bestanden',
    notPassed: 'gescheitert',
    phase: 'Schritt',
    none: 'Es gab noch keine Übung.',
    overview: 'Alle Maßnahmen',
    what: 'Verglichen',
    result: 'Ergebnis',
  },
} as const

/** The drills of the last year as a page. */
export function drillsPage(language: Language, summary: DrillSummary): string {
  const text = words[language]
  const other = language === 'de' ? 'en' : 'de'
  const newest = summary.drills[0]
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text.title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/trust.css">
</head>
<body>
<header><a class="name" href="/${language}">${text.overview}</a><a href="/${other}/restore-drills" hreflang="${other}" lang="${other}">${other === 'de' ? 'Deutsch' : 'English'}</a></header>
<main>
<h1>${text.title}</h1>
<p class="lead">${text.lead}</p>
!${newest ? figures(language, summary) + report(language, newest) + list(language, summary.drills) : html`<p>${text.none}</p>`}
</main>
<footer><a href="/api/v1/restore-drills">JSON</a></footer>
</body>
</html>`
}

function figures(language: Language, { rtoMs, rpoMs, largestRtoMs, failed }: DrillSummary): string {
  const text = words[language]
  const line = (name: string, times: DrillSummary['rtoMs']) =>
    times
      ? html`<tr><th scope="row">${name}</th><td>${seconds(times.median, language)}</td><td>${seconds(times.worst, language)}</td></tr>`
      : ''
  return html`<section><table>
<thead><tr><td></td><th scope="col">${text.median}</th><th scope="col">${text.worst}</th></tr></thead>
<tbody>!${line(text.rto, rtoMs)}!${line(text.largest, largestRtoMs)}!${line(text.rpo, rpoMs)}
<tr><th scope="row">${text.failed}</th><td colspan="2">${failed}</td></tr></tbody></table></section>`
}

function report(language: Language, { startedAt, slug, phases, checks }: DrillReport): string {
  const text = words[language]
  const steps = Object.entries(phases).map(
    ([phase, ms]) => html`<tr><th scope="row">${phase}</th><td>${seconds(ms, language)}</td></tr>`,
  )
  const compared = checks.map(
    ({ what, ok }) =>
      html`<tr><th scope="row">${what}</th><td>${ok ? `✓ ${text.passed}` : `✕ ${text.notPassed}`}</td></tr>`,
  )
  return html`<section><h2>${when(startedAt, language)}, ${slug}</h2>
<table><thead><tr><th scope="col">${text.phase}</th><td></td></tr></thead><tbody>!${steps.join('')}</tbody></table>
<table><thead><tr><th scope="col">${text.what}</th><th scope="col">${text.result}</th></tr></thead><tbody>!${compared.join('')}</tbody></table></section>`
}

function list(language: Language, drills: readonly DrillReport[]): string {
  const text = words[language]
  const lines = drills.map(
    ({ startedAt, slug, passed, rtoMs }) =>
      html`<li><time datetime="${startedAt}">${when(startedAt, language)}</time> ${slug}: ${passed ? text.passed : text.notPassed}, ${seconds(rtoMs, language)}</li>`,
  )
  return html`<section><ul>!${lines.join('')}</ul></section>`
}

function seconds(ms: number, language: Language): string {
  const unit = new Intl.NumberFormat(language, { style: 'unit', unit: 'second', maximumFractionDigits: 1 })
  return unit.format(ms / 1_000)
}

function when(instant: string, language: Language): string {
  const locale = language === 'de' ? 'de-DE' : 'en-GB'
  const format = new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'Europe/Berlin',
  })
  return format.format(new Date(instant))
}

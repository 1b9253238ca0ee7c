import { html } from 'ghtml'
import { formatDuration, type Language } from '../../kernel/duration.ts'
import type { Check } from '../../proof/measure.ts'
import type { HistoryEntry, MeasureResult } from '../../proof/results.ts'
import { badge, moment, page } from './page.ts'
import { outcomeWords, words } from './words.ts'

/** One sentence: what was tried, what was seen, since when it holds, and how to verify that. */
export function measurePage(
  language: Language,
  name: string,
  measure: MeasureResult,
  history: readonly HistoryEntry[],
  logKey: string | null,
): string {
  const text = words[language]
  const checks = measure.checks.filter(({ kind }) => kind === 'check')
  const controls = measure.checks.filter(({ kind }) => kind === 'positive-control')
  const body = html`
<p><a href="/${language}">← ${text.back}</a></p>
<h1>${measure.claim[language]}</h1>
<p class="meta">!${badge(measure.outcome, language)} ${text.checked} !${measure.checkedAt ? moment(measure.checkedAt, language) : text.never}</p>
!${measure.reason ? html`<p class="reason">${measure.reason}</p>` : ''}
!${facts(language, measure)}
!${checks.length > 0 ? html`<section><h2>${text.checks}</h2>!${table(language, text.checks, checks)}</section>` : ''}
!${controls.length > 0 ? html`<section><h2>${text.controls}</h2><p>${text.controlsWhy}</p>!${table(language, text.controls, controls)}</section>` : ''}
!${history.length > 0 ? html`<section><h2>${text.history}</h2><ol class="history">!${history.map((run, i) => past(language, run, history.slice(0, i))).join('')}</ol></section>` : ''}
!${
    measure.evidence
      ? html`<section><h2>${text.evidence}</h2><p>${text.evidenceWhy}</p>
<pre tabindex="0">surety verify proof-${measure.evidence.index}.json${logKey ? ` --key '${logKey}'` : ''}</pre>
<p><a class="button" href="/api/v1/evidence/${measure.evidence.index}/bundle" download="proof-${measure.evidence.index}.json">${text.download}</a></p>
<p class="meta">#${measure.evidence.index} · <code>${measure.evidence.leafHash}</code></p></section>`
      : ''
  }`
  return page(language, name, `/measures/${measure.key}`, measure.claim[language], body)
}

function table(language: Language, caption: string, checks: readonly Check[]): string {
  const text = words[language]
  const rows = checks.map(
    (check) =>
      html`<tr class="${check.ok ? 'ok' : 'not-ok'}"><th scope="row">${check.what}</th><td>${show(check.expected)}</td><td>${check.ok ? '✓' : '✕'} ${show(check.observed)}</td></tr>`,
  )
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><thead><tr><th scope="col">${text.tried}</th><th scope="col">${text.expected}</th><th scope="col">${text.seen}</th></tr></thead><tbody>!${rows.join('')}</tbody></table></div>`
}

/** One earlier run; a failed one says how long it was until the next proof. `later` are the runs since, newest first. */
function past(language: Language, run: HistoryEntry, later: readonly HistoryEntry[]): string {
  const text = words[language]
  const failed = run.failedChecks.map(({ what }) => what).join('; ')
  const bad = outcomeWords[run.outcome].tone === 'bad'
  const mended = later.findLast(({ outcome }) => outcomeWords[outcome].tone === 'good')
  const lasted = !bad
    ? ''
    : mended
      ? ` (${text.lasted} ${formatDuration(round(Date.parse(mended.endedAt) - Date.parse(run.endedAt)), language)})`
      : ` (${text.still})`
  return html`<li>!${badge(run.outcome, language)} !${moment(run.endedAt, language)} <span class="meta">${failed || run.reason || ''}${lasted}</span></li>`
}

/** To what a reader cares about: seconds, minutes or hours. */
function round(ms: number): number {
  const unit = ms < 60_000 ? 1_000 : ms < 3_600_000 ? 60_000 : 3_600_000
  return Math.max(1, Math.round(ms / unit)) * unit
}

function facts(language: Language, measure: MeasureResult): string {
  const text = words[language]
  const maps = Object.entries(measure.maps).map(
    ([standard, controls]) => `${STANDARDS[standard] ?? standard} ${controls.join(', ')}`,
  )
  const settings = Object.entries((measure.settings ?? {}) as Record<string, unknown>)
  const rows: [string, string][] = [
    ...(measure.sources.length > 0 ? [[text.sources, measure.sources.join(', ')] as [string, string]] : []),
    ...(maps.length > 0 ? [[text.maps, maps.join(' · ')] as [string, string]] : []),
    ...(measure.freshUntil ? [[text.freshUntil, ''] as [string, string]] : []),
    ...settings.map(([name, value]) => [`${text.settings}: ${name}`, show(value)] as [string, string]),
  ]
  const items = rows.map(
    ([term, value]) =>
      html`<dt>${term}</dt><dd>!${value === '' && measure.freshUntil ? moment(measure.freshUntil, language) : html`${value}`}</dd>`,
  )
  return html`<dl class="facts"><dt>ID</dt><dd><code>${measure.key}</code></dd>!${items.join('')}</dl>`
}

const STANDARDS: Record<string, string> = {
  gdpr: 'GDPR Art.',
  iso27001: 'ISO 27001',
  soc2: 'SOC 2',
  nis2: 'NIS 2',
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

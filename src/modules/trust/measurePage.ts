import { html } from 'ghtml'
import type { Language } from '../../kernel/duration.ts'
import type { Check } from '../../proof/measure.ts'
import type { HistoryEntry, MeasureResult } from '../../proof/results.ts'
import { badge, moment, page } from './page.ts'
import { words } from './words.ts'

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
!${measure.sources.length > 0 ? html`<p class="meta">${text.sources} ${measure.sources.join(', ')} · <code>${measure.key}</code></p>` : ''}
!${checks.length > 0 ? html`<section><h2>${text.checks}</h2>!${table(language, text.checks, checks)}</section>` : ''}
!${controls.length > 0 ? html`<section><h2>${text.controls}</h2><p>${text.controlsWhy}</p>!${table(language, text.controls, controls)}</section>` : ''}
!${history.length > 0 ? html`<section><h2>${text.history}</h2><ol class="history">!${history.map((run) => past(language, run)).join('')}</ol></section>` : ''}
!${
    measure.evidence
      ? html`<section><h2>${text.evidence}</h2><p>${text.evidenceWhy}</p>
<pre tabindex="0">surety verify proof-${measure.evidence.index}.json --key '${logKey ?? ''}'</pre>
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

function past(language: Language, run: HistoryEntry): string {
  const failed = run.failedChecks.map(({ what }) => what).join('; ')
  return html`<li>!${badge(run.outcome, language)} !${moment(run.endedAt, language)} <span class="meta">${failed || run.reason || ''}</span></li>`
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

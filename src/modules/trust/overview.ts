import { html } from 'ghtml'
import type { Language } from '../../kernel/duration.ts'
import type { Family, Outcome } from '../../proof/measure.ts'
import type { MeasureResult, MeasuresAnswer } from '../../proof/results.ts'
import { badge, moment, page, strip } from './page.ts'
import { familyWords, outcomeWords, words } from './words.ts'

/** What a reader must see first: broken, uncertain, and not looked at for too long are three things. */
const LIFTED: readonly { title: 'broken' | 'disturbed' | 'outdated'; outcomes: readonly Outcome[] }[] = [
  { title: 'broken', outcomes: ['failed', 'attestation-expired'] },
  { title: 'disturbed', outcomes: ['error'] },
  { title: 'outdated', outcomes: ['stale'] },
]

/** The front page: what holds, what does not, sentence by sentence. */
export function overviewPage(language: Language, name: string, answer: MeasuresAnswer): string {
  const text = words[language]
  const { measures } = answer
  const lifted = LIFTED.map(({ title, outcomes }) => ({
    title: text[title],
    measures: measures.filter(({ outcome }) => outcomes.includes(outcome)),
  })).filter((group) => group.measures.length > 0)
  const families = (Object.keys(familyWords) as Family[]).filter((f) =>
    measures.some(({ family }) => family === f),
  )
  const body = html`
<h1>${text.title}</h1>
<p class="lead">${text.lead}</p>
!${totals(language, answer)}
!${chapters(language, families, measures)}
!${measures.every(({ outcome }) => outcome === 'never-run') ? html`<p class="empty">${text.empty}</p>` : ''}
!${lifted.map((group) => html`<section class="broken"><h2>${group.title}</h2>!${list(language, group.measures)}</section>`).join('')}
!${families
    .map(
      (f) =>
        html`<section id="${f}"><h2>${familyWords[f][language]}</h2>!${list(
          language,
          measures.filter(({ family }) => family === f),
        )}</section>`,
    )
    .join('')}
!${answer.checkpoint ? html`<section><h2>${text.checkpoint}</h2><pre tabindex="0">${answer.checkpoint}</pre><p><a href="/${language}/verify">${text.verify}</a></p></section>` : ''}`
  return page(language, name, '', text.title, body)
}

function totals(language: Language, { totals, measures }: MeasuresAnswer): string {
  const entries = (Object.keys(outcomeWords) as Outcome[]).flatMap((outcome) => {
    const count = totals[outcome]
    return count ? [[outcome, count] as const] : []
  })
  const bars = entries
    .map(
      ([outcome, count]) =>
        html`<span class="bar ${outcomeWords[outcome].tone} share-${Math.round((count / measures.length) * 20)}"></span>`,
    )
    .join('')
  const legend = entries
    .map(
      ([outcome, count]) =>
        html`<li><strong>${count}</strong> ${words[language].of} ${measures.length} !${badge(outcome, language)}</li>`,
    )
    .join('')
  return html`<div class="bars" aria-hidden="true">!${bars}</div><ul class="totals">!${legend}</ul>`
}

/** Where each family begins, and how much of it holds. */
function chapters(
  language: Language,
  families: readonly Family[],
  measures: readonly MeasureResult[],
): string {
  const items = families.map((family) => {
    const own = measures.filter((measure) => measure.family === family)
    const holding = own.filter(({ outcome }) => outcomeWords[outcome].tone === 'good').length
    const broken = own.some(({ outcome }) => outcomeWords[outcome].tone === 'bad')
    return html`<li><a href="#${family}">${familyWords[family][language]}</a> <span class="count${broken ? ' bad' : ''}">${holding}/${own.length}</span></li>`
  })
  return html`<nav aria-label="${words[language].chapters}"><ul class="chapters">!${items.join('')}</ul></nav>`
}

function list(language: Language, measures: readonly MeasureResult[]): string {
  const text = words[language]
  const items = measures.map(
    (
      m,
    ) => html`<li><a href="/${language}/measures/${m.key}"><span class="claim">${m.claim[language]}</span></a>
<span class="meta">!${badge(m.outcome, language)} ${text.checked} !${m.checkedAt ? moment(m.checkedAt, language) : text.never} !${strip(m.recent, language)}</span></li>`,
  )
  return html`<ul class="measures">!${items.join('')}</ul>`
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check, Outcome } from '../../proof/measure.ts'
import type { MeasureResult } from '../../proof/results.ts'
import { measurePage } from './measurePage.ts'
import { overviewPage } from './overview.ts'
import { verifyPage } from './verifyPage.ts'
import { outcomeWords, words } from './words.ts'

const HOSTILE = '<script>alert("x")</script>'
const AT = '2026-11-20T12:00:00.000Z'
const languages = ['de', 'en'] as const
const outcomes = Object.keys(outcomeWords) as Outcome[]

function result(outcome: Outcome, more: Partial<MeasureResult> = {}): MeasureResult {
  return {
    key: `some.${outcome}`,
    family: 'separation',
    outcome,
    reason: null,
    sources: ['FEST-1'],
    maps: {},
    claim: { de: `Satz ${outcome}`, en: `Sentence ${outcome}` },
    settings: {},
    provenAt: AT,
    checkedAt: AT,
    freshUntil: AT,
    checks: [],
    evidence: { index: 7, leafHash: 'ab12' },
    recent: [outcome, 'proven'],
    ...more,
  }
}

function answer(measures: MeasureResult[]) {
  const totals: Partial<Record<Outcome, number>> = {}
  for (const { outcome } of measures) totals[outcome] = (totals[outcome] ?? 0) + 1
  return { profile: 'test', checkpoint: null, totals, measures }
}

const check = (kind: Check['kind'], what: string): Check => ({
  what,
  expected: 0,
  observed: HOSTILE,
  ok: false,
  kind,
})

test('the overview names every outcome in both languages', () => {
  for (const language of languages) {
    const text = overviewPage(language, 'Example', answer(outcomes.map((outcome) => result(outcome))))
    for (const outcome of outcomes)
      assert.ok(text.includes(`</span> ${outcomeWords[outcome][language]}</span>`))
  }
})

test('a failed measure stands first, and nothing stands there when all is proven', () => {
  for (const language of languages) {
    const text = overviewPage(language, 'Example', answer([result('proven'), result('failed')]))
    assert.ok(text.indexOf('/measures/some.failed') < text.indexOf('/measures/some.proven'))
    assert.ok(!overviewPage(language, 'Example', answer([result('proven')])).includes(words[language].broken))
  }
})

test('broken, uncertain and outdated are three different headings', () => {
  for (const language of languages) {
    const text = overviewPage(
      language,
      'Example',
      answer([result('failed'), result('error'), result('stale')]),
    )
    const { broken, disturbed, outdated } = words[language]
    const at = [broken, disturbed, outdated].map((title) => text.indexOf(`<h2>${title}</h2>`))
    assert.deepEqual(
      at,
      at.toSorted((a, b) => a - b),
    )
    assert.ok(at.every((index) => index > 0))
  }
})

test('an outage says how long it lasted, or that it still does', () => {
  const run = (outcome: 'proven' | 'failed', minute: number) => ({
    index: minute,
    outcome,
    reason: null,
    startedAt: AT,
    endedAt: `2026-11-20T12:${String(minute).padStart(2, '0')}:00.000Z`,
    failedChecks: [],
  })
  const over = [run('proven', 25), run('failed', 5), run('proven', 1)]
  assert.match(measurePage('en', 'Example', result('proven'), over, null), /until the next proof: 20 minutes/)
  assert.match(measurePage('de', 'Example', result('failed'), [run('failed', 5)], null), /dauert an/)
})

test('the way to verify names the key, and says nothing without one', () => {
  assert.match(
    verifyPage('en', 'Example', 'https://trust.example', { logKey: 'log+1+x', witnessKey: 'witness+2+y' }),
    /--key &#39;log\+1\+x|--key 'log\+1\+x/,
  )
  assert.doesNotMatch(
    verifyPage('de', 'Example', 'https://trust.example', { logKey: null, witnessKey: null }),
    /--key/,
  )
})

test('what a probe saw, a claim and a name are escaped', () => {
  const hostile = result('failed', {
    claim: { de: HOSTILE, en: HOSTILE },
    reason: HOSTILE,
    checks: [check('check', HOSTILE), check('positive-control', HOSTILE)],
  })
  const run = { index: 1, outcome: 'failed', reason: HOSTILE, startedAt: AT, endedAt: AT } as const
  const history = [{ ...run, failedChecks: [check('check', HOSTILE)] }]
  for (const language of languages) {
    for (const text of [
      overviewPage(language, HOSTILE, answer([hostile])),
      measurePage(language, HOSTILE, hostile, history, HOSTILE),
    ])
      assert.ok(!text.includes('<script') && /&(lt|#60|#x3c);script/i.test(text))
  }
})

test('each page has one heading, its language, a title, and no inline style', () => {
  const measure = result('proven', { checks: [check('check', 'a'), check('positive-control', 'b')] })
  for (const language of languages) {
    for (const text of [
      overviewPage(language, 'Example', answer([measure])),
      measurePage(language, 'Example', measure, [], null),
    ]) {
      assert.equal(text.match(/<h1>/g)?.length, 1)
      assert.match(text, new RegExp(`<html lang="${language}">`))
      assert.match(text, /<title>.+ · Example<\/title>/)
      assert.doesNotMatch(text, /\sstyle=|<style/)
    }
  }
})

test('positive controls stand apart from checks, with the reason why they are there', () => {
  const measure = result('proven', {
    checks: [check('check', 'tried A'), check('positive-control', 'planted B')],
  })
  const text = measurePage('en', 'Example', measure, [], null)
  const why = text.indexOf(words.en.controlsWhy)
  assert.ok(why > text.indexOf('tried A') && text.indexOf('planted B') > why)
})

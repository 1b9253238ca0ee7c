import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preferredLanguage } from './language.ts'

for (const [header, language] of [
  [undefined, 'en'],
  ['de', 'de'],
  ['de-AT,en;q=0.8', 'de'],
  ['en-GB, de;q=0.9', 'en'],
  ['en;q=0.5, de;q=0.9', 'de'],
  ['fr, de;q=0', 'en'],
  ['model;q=1, de;q=x', 'en'],
] as const) {
  test(`Accept-Language ${header ?? 'missing'} prefers ${language}`, () =>
    assert.equal(preferredLanguage(header), language))
}

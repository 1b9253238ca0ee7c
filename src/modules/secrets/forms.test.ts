import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { formsOf } from './forms.ts'

it('a secret is recognised as it is, in hexadecimal and in base64, wherever it stands', () =>
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 40 }),
      fc.uint8Array({ maxLength: 9 }),
      fc.uint8Array({ maxLength: 9 }),
      (secret, before, after) => {
        const whole = Buffer.concat([before, secret, after])
        for (const encoding of ['latin1', 'hex', 'base64', 'base64url'] as const) {
          const text = whole.toString(encoding)
          assert.ok(
            formsOf(secret).some((form) => text.includes(form)),
            encoding,
          )
        }
      },
    ),
  ))

import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { edge } from '../../edge/index.ts'
import type { BrowserParts } from '../guard.ts'
import { browser } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, edge, browser])
  await platform.serve()
})
after(() => platform?.stop())

for (const [what, name, seen] of [
  ['no token is asked for', 'judgeToken', /a change without a token/],
  ['nobody looks at where a request comes from', 'judgeOrigin', /from another (site|origin)/],
] as const) {
  it(`csrf goes red when ${what}`, () => {
    const { csrf } = platform.api('browser') as BrowserParts
    const whole = csrf[name]
    return proveBySabotage(platform.api('proof') as ProofApi, 'csrf', {
      sabotage: async () => Object.assign(csrf, { [name]: () => undefined }),
      repair: async () => Object.assign(csrf, { [name]: whole }),
      seen,
    })
  })
}

it('csrf goes red when a token is not bound to its session', () => {
  const { csrf } = platform.api('browser') as BrowserParts
  const { judgeToken } = csrf
  return proveBySabotage(platform.api('proof') as ProofApi, 'csrf', {
    async sabotage() {
      csrf.judgeToken = (request, session, cookie) => {
        if (!cookie || request.headers['x-csrf-token'] !== cookie) judgeToken(request, session, cookie)
      }
    },
    repair: async () => Object.assign(csrf, { judgeToken }),
    seen: /of another session, in the cookie too/,
  })
})

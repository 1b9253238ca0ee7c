import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules)
})
after(() => platform?.stop())

for (const { name, broken, seen } of [
  {
    name: 'it says ready whatever happens',
    broken: 'writeHead=function(status,...rest){return whole.call(this,status===503?200:status,...rest)}',
    seen: /ready, without the database/,
  },
  {
    name: 'it never says ready again',
    broken:
      'writeHead=function(status,...rest){if(status===503)globalThis.sick=true;return whole.call(this,globalThis.sick?503:status,...rest)}',
    seen: /database back/,
  },
]) {
  const source = `import{ServerResponse}from'node:http';const whole=ServerResponse.prototype.writeHead;ServerResponse.prototype.${broken}`
  it(`health goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'health', {
      sabotage: async () =>
        platform.program.args.unshift('--import', `data:text/javascript,${encodeURIComponent(source)}`),
      repair: async () => platform.program.args.splice(0, 2),
      seen,
    }))
}

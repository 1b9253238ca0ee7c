import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { EgressParts } from '../client.ts'
import { openGate } from '../decide.ts'
import { type EgressApi, egress, serveEgressProxy } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, egress])
})
after(() => platform?.stop())

const breakages: { name: string; broken: (parts: EgressParts) => Partial<EgressParts>; seen: RegExp }[] = [
  {
    name: 'keys are not compared',
    broken: () => ({ pinning: { judge: () => undefined } }),
    seen: /another key|resumes/,
  },
  {
    name: 'every server is let through',
    broken: ({ rules }) => ({ gate: openGate({ ...rules, reportOnly: true }) }),
    seen: /not in the register/,
  },
  {
    name: 'refusals are not written down',
    broken: ({ decisions }) => ({ decisions: { ...decisions, record: () => undefined } }),
    seen: /wrote the refusal down/,
  },
]

for (const { name, broken, seen } of breakages) {
  it(`egress.pinning goes red when ${name}`, () => {
    const { parts } = platform.api('egress') as EgressApi
    const whole = { ...parts }
    return proveBySabotage(platform.api('proof') as ProofApi, 'egress.pinning', {
      sabotage: async () => Object.assign(parts, broken(parts)),
      repair: async () => Object.assign(parts, whole),
      seen,
    })
  })
}

it('egress.pinning also goes red when the proxy lets everything through', async () => {
  const { parts } = platform.api('egress') as EgressApi
  const socket = join(tmpdir(), `egress-${process.pid}.sock`)
  let gate = parts.gate
  const locate = (target: string, caller: string) => gate.locate(target, caller)
  const proxy = await serveEgressProxy(socket, locate, (decision) =>
    parts.decisions.record(decision, 'proxy'),
  )
  parts.socket = socket
  try {
    await proveBySabotage(platform.api('proof') as ProofApi, 'egress.pinning', {
      sabotage: async () => (gate = openGate({ ...parts.rules, reportOnly: true })),
      repair: async () => (gate = parts.gate),
      seen: /past the client to the proxy/,
    })
  } finally {
    parts.socket = undefined
    await proxy.close()
    rmSync(socket)
  }
})

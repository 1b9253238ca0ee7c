import { randomBytes } from 'node:crypto'
import { Problem } from '../../kernel/problems.ts'
import type { ProbeContext } from '../../proof/measure.ts'
import { type EgressParts, openEgressClient } from './client.ts'
import { throughProxy } from './connections.ts'
import { openGate, UNNAMED } from './decide.ts'
import type { Register } from './register.ts'

const CALLER = { module: 'probe', tenant: null, purpose: 'probe' }

/** Private addresses as such, and as they hide in IPv6 and in numbers. */
const INWARD = [
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '100.64.0.1',
  '[::1]',
  '[fd00::1]',
  '[fe80::1]',
  '[::ffff:10.1.2.3]',
  '[64:ff9b::a01:203]',
  '[2002:a01:203::1]',
  '2130706433',
  '0x7f.1',
]

/** Asks the gate and, where there is one, the proxy in use for what they must refuse and write down. */
export async function attackGate(
  { check, positiveControl }: ProbeContext<unknown>,
  live: EgressParts,
  register: Register,
): Promise<void> {
  const client = openEgressClient({
    ...live,
    record: (decision) => live.decisions.record(decision, 'client'),
  })
  const stranger = `${randomBytes(6).toString('hex')}.invalid`
  for (const [how, target] of Object.entries({
    'by name': `${stranger}:443`,
    'by address': '192.0.2.1:443',
    'by IPv6 address': '[2001:db8::1]:443',
  })) {
    const refused = await became(client.connect(CALLER, target, ['http/1.1']))
    check(`a server that is not in the register, ${how}`, 'not-registered', refused)
    if (!live.socket) continue
    const atProxy = await became(throughProxy(live.socket, target, UNNAMED))
    check(`the same, past the client to the proxy, ${how}`, 'not-registered', atProxy)
  }
  const written = live.decisions.recent(2_000).filter(({ host }) => host === stranger)
  const writers = live.socket ? ['client', 'proxy'] : ['client']
  check('who wrote the refusal down', writers, written.map(({ by }) => by).sort())
  for (const { hosts, port, modules } of register.slice(0, 1)) {
    const { verdict } = live.gate.admit(`${hosts[0]}:${port}`, `${modules[0]}/-/probe`)
    positiveControl('the same gate lets the register pass', 'allowed', verdict)
  }
  await attackAddresses({ check, positiveControl }, live)
}

/** Names in a register of the probe's own that lead inward, and addresses at a gate that only reports. */
async function attackAddresses(
  { check, positiveControl }: Pick<ProbeContext<unknown>, 'check' | 'positiveControl'>,
  { rules }: EgressParts,
): Promise<void> {
  const host = 'registered.invalid'
  const register = [
    { name: 'probe', purpose: 'probe', country: 'DE', hosts: [host], port: 443, modules: ['probe'] },
  ]
  const lead = async (target: string, addresses: string[]) => {
    const resolve = async () => addresses
    const gate = openGate({ ...rules, register, allowedNetworks: [], reportOnly: true, resolve })
    return (await gate.locate(target, 'probe/-/probe')).reason
  }
  const outward = ['198.41.0.4', '2001:503:ba3e::2:30']
  positiveControl('a registered name that leads outward', 'registered', await lead(`${host}:443`, outward))
  const mixed = await lead(`${host}:443`, [...outward, '10.1.2.3'])
  check('a registered name of which one address leads inward', 'private-address', mixed)
  for (const address of INWARD)
    check(
      `${address}, where what is not registered is only reported`,
      'private-address',
      await lead(`${address}:443`, []),
    )
}

/** Why nothing was opened. */
async function became(opening: Promise<{ destroy(): unknown }>): Promise<unknown> {
  return opening.then(
    (socket) => {
      socket.destroy()
      return 'opened'
    },
    (error: Error) => (error instanceof Problem ? error.extensions.reason : error.message),
  )
}

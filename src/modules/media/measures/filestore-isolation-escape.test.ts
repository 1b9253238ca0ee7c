import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { probe } from '../../../../test/support/probe.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { VaultApi } from '../../vault/index.ts'
import type { Command, Walls } from '../confinement.ts'
import { type MediaApi, media, whyNoKernelWall } from '../index.ts'
import { filestoreIsolationEscape } from './filestore-isolation-escape.ts'

const KEY = 'filestore.isolation.escape'
const why = await whyNoKernelWall()

describe(KEY, { skip: why ?? false }, () => {
  let platform: TestPlatform
  before(async () => {
    platform = await testPlatform([proof, media])
  })
  after(() => platform?.stop())

  /** The walls in use with something changed. */
  const broken = (change: (walls: Walls) => Partial<Walls>): Walls => {
    const { walls } = platform.api('media') as MediaApi
    return { ...walls, ...change(walls) }
  }
  const command = (change: (command: Command) => Command) =>
    broken(({ kernel }) => ({
      kernel: (confinement, inside) => change(kernel?.(confinement, inside) ?? inside),
    }))
  const args = (change: (arg: string) => string[]) =>
    command((whole) => ({ ...whole, args: whole.args.flatMap(change) }))
  const without = (word: string) => args((arg) => (arg === word ? [] : [arg]))
  const showing = (path: string) =>
    args((arg) => (arg === '--remount-ro' ? ['--ro-bind', path, path, arg] : [arg]))

  it('goes red when the other tenants’ files are shown too', () => {
    const { walls } = platform.api('media') as MediaApi
    const whole = { ...walls }
    return proveBySabotage(platform.api('proof') as ProofApi, KEY, {
      sabotage: async () => Object.assign(walls, showing(join(platform.stores.files, 'filestore'))),
      repair: async () => Object.assign(walls, whole),
      seen: /tries an absolute path,/,
    })
  })

  const breakages: { name: string; walls: () => Walls; seen: RegExp }[] = [
    {
      name: 'Node’s permissions are forgotten',
      walls: () => broken(() => ({ permissions: () => [] })),
      seen: /what A's worker can do besides/,
    },
    {
      name: 'the network is shared',
      walls: () => without('--unshare-net'),
      seen: /a server of this machine/,
    },
    { name: 'processes are shared', walls: () => without('--unshare-pid'), seen: /a signal to the server/ },
    {
      name: 'the environment is inherited',
      walls: () => command((whole) => ({ ...whole, env: { HOME: '/root' } })),
      seen: /names in the environment/,
    },
    {
      name: 'namespaces can be made anew',
      walls: () => without('--disable-userns'),
      seen: /a user namespace of its own/,
    },
    {
      name: 'the kernel is not asked',
      walls: () => broken(() => ({ kernel: (_confinement, inside) => inside })),
      seen: /a datagram/,
    },
  ]
  const measureWith = (sandbox: 'kernel' | 'runtime', walls: Walls) =>
    filestoreIsolationEscape({
      sandbox,
      walls,
      stores: platform.stores,
      vault: platform.api('vault') as VaultApi,
      canaries: async () => (await platform.tenancy.canaries.open()).slice(0, 1),
    })
  for (const { name, walls, seen } of breakages)
    it(`goes red when ${name}`, async () => {
      const { checks, failed } = await probe(measureWith('kernel', walls()))
      assert.deepEqual(
        checks.filter(({ kind, ok }) => kind === 'positive-control' && !ok),
        [],
      )
      assert.ok(
        failed.some((what) => seen.test(what)),
        failed.join('; '),
      )
    })

  it('claims nothing where Node’s permissions stand alone', () =>
    assert.rejects(
      probe(
        measureWith(
          'runtime',
          broken(() => ({ kernel: null })),
        ),
      ),
      /hold no attacker/,
    ))
})

import { existsSync } from 'node:fs'
import type { Stores } from '../../../data/index.ts'
import { Problem } from '../../../kernel/problems.ts'
import { type Measure, measure, type ProbeContext } from '../../../proof/measure.ts'
import type { CanaryPair, Tenant } from '../../tenancy/index.ts'
import type { VaultApi } from '../../vault/index.ts'
import { type Laid, layOut } from '../aims.ts'
import { attackKeys } from '../attackKeys.ts'
import type { Walls } from '../confinement.ts'
import type { Report } from '../escape/breakOut.ts'
import { runWorker } from '../worker.ts'

interface Parts {
  sandbox: 'kernel' | 'runtime'
  /** Those in use. */
  walls: Walls
  stores: Stores
  vault: VaultApi
  canaries: () => Promise<CanaryPair[]>
}

type Checks = Pick<ProbeContext<unknown>, 'check' | 'positiveControl' | 'signal'>

/** What somebody who takes a worker over may have brought along: it is given to him. */
const TOOLS = ['/usr', '/bin', '/sbin', '/lib', '/lib64']
/** Ways that also need rights, tools or luck where nothing is in the way. */
const UNCERTAIN =
  /^(the memory of|a hard link of its own|a (user|mount) namespace|mounting|the namespaces|the root of the server as|opening)/

/** FEST-20. A worker of canary A is taken over by code that wants B's file, and everything that leads there. */
export function filestoreIsolationEscape(parts: Parts): Measure<Pick<Parts, 'sandbox'>> {
  return measure({
    key: 'filestore.isolation.escape',
    sources: ['FEST-20'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.22', 'A.8.26'] },
    settings: { sandbox: parts.sandbox },
    timeout: 120_000,
    claim: {
      de: () =>
        'Was ein Mandant hochlädt, wertet ein eigener Prozess aus, dem der Kernel nur die übergebenen Dateien dieses Mandanten zeigt, kein Netz und keine Schlüssel. Auch Code, der diesen Prozess übernimmt, öffnet keine Datei eines anderen Mandanten.',
      en: () =>
        'What a tenant uploads is evaluated by a process of its own, to which the kernel shows only the files of this tenant that it is handed, no network and no keys. Even code that takes this process over opens no file of another tenant.',
    },
    async prove(context) {
      if (parts.sandbox === 'runtime')
        context.notApplicable('media.sandbox is "runtime": Node\'s permissions alone hold no attacker.')
      for (const pair of await parts.canaries()) {
        const laid = await layOut(parts.stores, pair)
        try {
          await attack(context, parts, pair, laid)
        } finally {
          await laid.remove()
        }
        await attackKeys(context, parts.vault, pair)
      }
    },
  })
}

async function attack(
  { check, positiveControl, signal }: Checks,
  parts: Parts,
  { model, a }: CanaryPair,
  laid: Laid,
): Promise<void> {
  const all = [careless, withoutPermissions(parts.walls), parts.walls]
  const [free, alone, whole] = (await Promise.all(
    all.map((walls) => take(walls, parts, a, laid, signal)),
  )) as [Report, Report, Report]
  const seen = ({ tried }: Report, what: string) => outcome(tried[what], laid.markers.b)
  const certain = Object.keys(free.tried).filter((what) => !UNCERTAIN.test(what))
  positiveControl(
    `${model}: ways that are open to a usual child process`,
    certain,
    certain.filter((what) => seen(free, what) === 'REACHED'),
  )
  positiveControl(`${model}: A's own file, as A's worker is handed it`, laid.markers.a, whole.own)
  for (const what of Object.keys(alone.tried))
    check(
      `${model}: A's worker tries ${what}, with and without Node's permissions`,
      'refused',
      [...new Set([seen(whole, what), seen(alone, what)])].join(', without them '),
    )
  for (const [what, path] of Object.entries(laid.links))
    check(`${model}: being handed ${what} that was planted`, 'file-not-found', await hand(a, path))
  positiveControl(`${model}: a usual child process has an environment`, true, free.environment.length > 1)
  check(`${model}: names in the environment of A's worker`, ['PWD'], whole.environment)
  check(`${model}: files and folders that A's worker has open`, 1, whole.descriptors)
  positiveControl(`${model}: what a usual child process can do besides`, ABILITIES, free.abilities)
  check(`${model}: what A's worker can do besides`, [], whole.abilities)
}

const ABILITIES = ['load native code', 'be inspected', 'read every file', 'write every file']

/** A child process as most programs start one. */
const careless: Walls = {
  permissions: () => [],
  kernel: (_confinement, command) => ({ ...command, env: { ...process.env, ...command.env } as never }),
}

/** Who takes Node itself over is past its permissions: then the kernel alone stands, and he has tools. */
function withoutPermissions({ kernel }: Walls): Walls {
  const tools = TOOLS.filter((path) => existsSync(path))
  return {
    permissions: () => [],
    kernel:
      kernel &&
      ((confinement, command) => kernel({ ...confinement, code: [...tools, ...confinement.code] }, command)),
  }
}

async function take(
  walls: Walls,
  { stores }: Parts,
  a: Tenant,
  { aims, own }: Laid,
  signal: AbortSignal,
): Promise<Report> {
  const handle = await a.files.openHandle(own)
  try {
    return (await runWorker(walls, {
      worker: new URL('../escape/breakOut.ts', import.meta.url),
      input: { ...aims, confined: walls !== careless },
      files: { own: handle },
      timeout: 30_000,
      memory: 1_024,
      secrets: [stores.files, stores.secrets],
      signal,
    })) as Report
  } finally {
    await handle.close()
  }
}

function outcome(got: string | null | undefined, secret: string): string {
  if (got === undefined) return 'not tried'
  if (got === null) return 'refused'
  return got === 'reached' || got.includes(secret) ? 'REACHED' : `something else: ${got.slice(0, 40)}`
}

async function hand(tenant: Tenant, path: string): Promise<string> {
  return tenant.files.openHandle(path).then(
    async (handle) => {
      await handle.close()
      return 'HANDED'
    },
    (error: unknown) => (error instanceof Problem ? error.code : String(error)),
  )
}

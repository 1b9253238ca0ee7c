import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'
import type { Command } from 'commander'
import { z } from 'zod'
import { readSecret } from '../data/secrets.ts'
import { defineProblem } from '../kernel/problems.ts'
import { handOver, LONGEST_LIFE, type Material, signing } from '../modules/signing/index.ts'
import { findHost } from './findHost.ts'
import { withPlatform } from './tenant.ts'

const notFetched = defineProblem({
  code: 'signing-not-fetched',
  status: 502,
  title: 'Signing material was not fetched',
})

interface ExecOptions {
  tenant: string
  material: string[]
  url?: string
  tokenFile?: string
  ca?: string
}

/** Adds `signing`: material of tenants' apps, for builds. */
export function addSigningCommands(program: Command): void {
  const group = program.command('signing').description("what tenants' apps are signed with")
  group.command('list').description('material of a tenant').argument('<tenant>', 'slug').action(list)
  group
    .command('add')
    .description('enter a keystore or a provisioning profile; a passphrase is read from standard input')
    .argument('<tenant>', 'slug')
    .argument('<name>')
    .argument('<file>')
    .option('--profile', 'it is a provisioning profile, without a passphrase')
    .action(add)
  group
    .command('token')
    .description('let one build fetch material; good once, for minutes')
    .argument('<tenant>', 'slug')
    .argument('<material...>')
    .action(issue)
  group
    .command('exec')
    .description(
      'run a tool with material as /dev/fd/3, 4 … and passphrases on standard input; never on disk',
    )
    .requiredOption('--tenant <tenant>', 'slug')
    .requiredOption('--material <name...>', 'in the order of the descriptors')
    .option(
      '--url <url>',
      "the tenant's address, on a build machine; without it, the platform that runs here",
    )
    .option('--token-file <file>', 'holds the token for --url; mode 0600')
    .option('--ca <file>', 'certificate authority of --url, where it is a private one')
    .argument('<command...>', 'after --')
    .action(async (command: string[], options: ExecOptions) => {
      process.exitCode = await exec(command, options)
    })
}

function list(slug: string): Promise<void> {
  return withPlatform(async (platform) => {
    const tenant = await platform.tenancy.bySlug(slug)
    for (const { name, kind, sha256, updatedAt } of await platform.api(signing).materials.list(tenant))
      console.log(name.padEnd(30), kind.padEnd(22), sha256.slice(0, 16), updatedAt)
  })
}

function add(slug: string, name: string, file: string, { profile }: { profile?: boolean }): Promise<void> {
  const passphrase = profile ? null : readFileSync(0, 'utf8').split('\n')[0] || null
  const kind = profile ? ('provisioning-profile' as const) : ('keystore' as const)
  return withPlatform(async (platform) => {
    const tenant = await platform.tenancy.bySlug(slug)
    await platform
      .api(signing)
      .materials.keep(tenant.as(CLI), { name, kind, content: readFileSync(file), passphrase })
  })
}

function issue(slug: string, names: string[]): Promise<void> {
  return withPlatform(async (platform) => {
    const tenant = (await platform.tenancy.bySlug(slug)).as(CLI)
    console.log(await platform.api(signing).tokens.issue(tenant, names, LONGEST_LIFE))
  })
}

async function exec([command = '', ...args]: string[], options: ExecOptions): Promise<number> {
  const materials = options.url ? await fetchRemote(options.url, options) : await fetchHere(options)
  const { code } = await handOver(materials, { command, args })
  return code
}

async function fetchHere({ tenant: slug, material }: ExecOptions): Promise<Material[]> {
  let fetched: Material[] = []
  await withPlatform(async (platform) => {
    const { tokens } = platform.api(signing)
    const tenant = (await platform.tenancy.bySlug(slug)).as(CLI)
    fetched = await tokens.redeem(tenant, await tokens.issue(tenant, material, LONGEST_LIFE), material)
  })
  return fetched
}

const Fetched = z.object({
  materials: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['keystore', 'provisioning-profile']),
      content: z.base64().transform((text) => Buffer.from(text, 'base64')),
      passphrase: z.string().nullable(),
    }),
  ),
})

/** A build machine has no way to the database: it asks the front door, by HTTPS alone. */
async function fetchRemote(url: string, { material, tokenFile, ca }: ExecOptions): Promise<Material[]> {
  if (!tokenFile) throw notFetched('Name the file that holds the token by --token-file.')
  const body = JSON.stringify({ token: readSecret(tokenFile), materials: material })
  const target = new URL('/api/v1/signing/fetch', url)
  if (target.protocol !== 'https:') throw notFetched('Only HTTPS is used.')
  const answer = await new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const options = { method: 'POST', headers, lookup: findHost, ...(ca ? { ca: readFileSync(ca) } : {}) }
    const call = request(target, options, (response) => {
      json(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
    })
    call.on('error', reject)
    call.end(body)
  }).catch((cause: unknown) => {
    throw notFetched(`${target.host} does not answer as it should.`, { cause })
  })
  if (answer.status !== 200) throw notFetched(`${target.host} answered ${answer.status}.`)
  return Fetched.parse(answer.body).materials
}

/** Who acts here stands in the trail as this. */
const CLI = { kind: 'system', id: 'signing-cli' } as const

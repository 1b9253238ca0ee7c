// `surety signing exec` with real tools, and what it writes as the kernel sees it.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, it } from 'node:test'
import { platformModules } from '../src/cli/platform.ts'
import type { EdgeApi } from '../src/modules/edge/index.ts'
import { wayToDisk } from '../src/modules/signing/handOver.ts'
import type { SigningApi } from '../src/modules/signing/index.ts'
import type { Tenant } from '../src/modules/tenancy/tenant.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

const there = (tool: string): boolean => {
  try {
    execFileSync('which', [tool], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const missing = (...tools: string[]): string | false =>
  wayToDisk() ??
  tools.filter((tool) => !there(tool)).map((tool) => `${tool} is not on this machine`)[0] ??
  false

const NAME = 'android-release'
const PASSPHRASE = randomBytes(12).toString('hex')

let platform: TestPlatform
let api: SigningApi
let tenant: Tenant
let keystore: Buffer
const folder = mkdtempSync(join(tmpdir(), 'signing-'))
before(async () => {
  platform = await testPlatform([...platformModules])
  api = platform.api('signing') as SigningApi
  await platform.serve()
  if (missing('openssl')) return
  tenant = await platform.makeTenant('database')
  keystore = makeKeystore()
  await api.materials.keep(tenant, {
    name: NAME,
    kind: 'keystore',
    content: keystore,
    passphrase: PASSPHRASE,
  })
})
after(async () => {
  await platform?.stop()
  rmSync(folder, { recursive: true })
})

/** A real PKCS #12 file with a key of its own. */
function makeKeystore(): Buffer {
  const pem = execFileSync(
    'openssl',
    'req -x509 -newkey rsa:2048 -nodes -subj /CN=release -keyout - -days 1'.split(' '),
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const out = ['pkcs12', '-export', '-name', 'release', '-passout', `pass:${PASSPHRASE}`]
  return execFileSync('openssl', out, { input: pem })
}

async function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, {
    env: platform.program.env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  const [code] = await once(child, 'close')
  return { code, output }
}

const exec = (...tool: string[]): string[] => [
  ...platform.program.args,
  ...['signing', 'exec', '--tenant', tenant.slug, '--material', NAME],
  ...tool,
]
const OPENSSL = ['--', 'openssl', 'pkcs12', '-in', '/dev/fd/3', '-passin', 'stdin', '-nokeys']

it('openssl opens the keystore that it is handed', { skip: missing('openssl') }, async () => {
  const { code, output } = await run(process.execPath, exec(...OPENSSL))
  assert.equal(code, 0, output)
  assert.match(output, /friendlyName: release[\s\S]*BEGIN CERTIFICATE/)
})

it('keytool opens it too', { skip: missing('openssl', 'keytool') }, async () => {
  const { code, output } = await run(
    process.execPath,
    exec('--', 'keytool', '-list', '-keystore', '/dev/fd/3', '-storetype', 'PKCS12'),
  )
  assert.equal(code, 0, output)
  assert.match(output, /release, .*PrivateKeyEntry/)
})

it('the exit code is the tool’s', { skip: missing('openssl') }, async () => {
  assert.equal((await run(process.execPath, exec('--', 'sh', '-c', 'exit 7'))).code, 7)
})

it('a build machine fetches over HTTPS with a token that is good once', {
  skip: missing('openssl'),
}, async () => {
  const edge = platform.api('edge') as EdgeApi
  const token = join(folder, 'token')
  writeFileSync(token, await api.tokens.issue(tenant, [NAME], 60_000), { mode: 0o600 })
  const url = `https://${tenant.hosts[0]}:${edge.port}`
  const remote = ['--url', url, '--token-file', token, '--ca', edge.authorityFile as string]
  const first = await run(process.execPath, exec(...remote, ...OPENSSL))
  assert.equal(first.code, 0, first.output)
  const second = await run(process.execPath, exec(...remote, ...OPENSSL))
  assert.equal(second.code, 1)
  assert.match(second.output, /answered 401/)
})

const plain = (path: string): string =>
  path.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))

/** Files on a disk that any process of the run wrote secret bytes to, as strace saw it. */
async function writtenToDisk(
  ...tool: string[]
): Promise<{ code: number; files: string[]; inMemory: boolean }> {
  const trace = join(folder, `trace-${randomBytes(4).toString('hex')}`)
  const calls = 'write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice'
  const flags = ['-f', '-y', '-xx', '-s', '1000000', '-e', `trace=${calls}`, '-o', trace]
  const { code, output } = await run('strace', [...flags, process.execPath, ...exec(...tool)])
  if (code !== 0) assert.fail(output)
  const escaped = (bytes: Buffer) =>
    [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  const base64 = Buffer.from(keystore.toString('base64').slice(400, 432))
  const secrets = [keystore.subarray(300, 324), base64, Buffer.from(PASSPHRASE)].map(escaped)
  const files = new Set<string>()
  for await (const line of createInterface({ input: createReadStream(trace) })) {
    const copies = / (sendfile|copy_file_range|splice)\(/.test(line)
    if (!copies && !secrets.some((secret) => line.includes(secret))) continue
    // A copy names both ends; what is written names one.
    const ends = [...line.matchAll(/\d+<([^>]+)>/g)].map(([, path = '']) => plain(path))
    for (const path of copies ? ends : ends.slice(0, 1)) files.add(path)
  }
  rmSync(trace)
  const all = [...files]
  return {
    code,
    files: all.filter(
      (path) => !/^(pipe|socket|UNIX|TCP|UDP|anon_inode):?/.test(path) && !/^\/dev\/shm\/surety-/.test(path),
    ),
    inMemory: all.some((path) => path.startsWith('/dev/shm/surety-')),
  }
}

it('no secret byte is written to a disk, as strace sees it; and it sees one that is', {
  skip: missing('openssl', 'strace'),
  timeout: 240_000,
}, async () => {
  const clean = await writtenToDisk(...OPENSSL)
  assert.deepEqual(clean.files, [])
  assert.ok(clean.inMemory, 'the trace shows how the keystore got into memory')
  const copy = join(folder, 'copy.p12')
  const careless = await writtenToDisk('--', 'sh', '-c', `cat /dev/fd/3 > ${copy}`)
  assert.deepEqual(careless.files, [copy])
})

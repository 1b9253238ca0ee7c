import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isProgram, pathFolders } from '../../src/data/local/binaries.ts'
import { lastLines, type ServerProcess, startServerProcess } from '../../src/data/local/serverProcess.ts'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../../src/modules/edge/index.ts'

/** Ceph's S3 gateway on a store in memory. */
export interface Radosgw {
  endpoint: string
  /** The same by TLS, with a certificate of the authority in `caFileName`. */
  tlsEndpoint: string
  caFileName: string
  stop(): Promise<void>
}

/** Who may use it. */
export interface RadosgwUser {
  key: string
  secret: string
}

/** Storage class that buckets may move objects to. */
const COLDER = 'STANDARD_IA'

const PROGRAMS = ['radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'monmaptool']
const READY_MS = 60_000

/** A program that asks the monitor for settings first forgets which cluster it belongs to until it hears again. */
const OWN_SETTINGS = ['--no-mon-config']

/** Why there is none here; undefined when there is. */
export function missingRadosgw(): string | undefined {
  if (isThere()) return undefined
  return 'no S3 store: radosgw is not installed (Debian: apt install radosgw ceph-mon ceph-osd ceph-common)'
}

/** Starts one monitor, one object store in memory and the gateway, with their files in `folder`, until `stop`. */
export async function startRadosgw(folder: string, user: RadosgwUser): Promise<Radosgw> {
  for (const name of ['mon', 'osd', 'log', 'rgw', 'tls']) mkdirSync(join(folder, name), { recursive: true })
  const ports = { mon: await freePort(), http: await freePort(), tls: await freePort() }
  const fsid = randomUUID()
  await keepLocalAuthority(join(folder, 'tls'))
  const { key, cert } = await openLocalAuthority(join(folder, 'tls')).certificateFor('localhost')
  writeFileSync(join(folder, 'tls/key.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'tls/cert.pem'), cert)
  writeFileSync(join(folder, 'ceph.conf'), configOf(folder, fsid, ports))
  const config = ['-c', join(folder, 'ceph.conf')]
  const run = async (program: string, ...args: string[]) => {
    await promisify(execFile)(program, args, { timeout: READY_MS })
  }
  const servers: ServerProcess[] = []
  const start = async (program: string, ...args: string[]) => {
    const logFile = join(folder, 'log', `${program}.out`)
    const common = { account: undefined, deathSignal: 'KILL', logFile } as const
    const all = [...config, ...OWN_SETTINGS, ...args, '-f']
    servers.push(await startServerProcess({ command: program, args: all, ...common }))
  }
  const stop = async () => {
    // In order a store waits for its monitor when it ends; nothing here is to be kept.
    await Promise.all(servers.map((server) => server.end('SIGKILL', 0)))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const [monmap, osd] = [join(folder, 'monmap'), randomUUID()]
    await run('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', `v1:127.0.0.1:${ports.mon}`, monmap)
    await run('ceph-mon', ...config, '--mkfs', '-i', 'a', '--monmap', monmap)
    await start('ceph-mon', '-i', 'a')
    await untilDone(() => run('ceph', ...config, 'osd', 'new', osd))
    await run('ceph-osd', ...config, '-i', '0', '--mkfs', '--osd-uuid', osd)
    await start('ceph-osd', '-i', '0')
    const admin = ['radosgw-admin', ...config, ...OWN_SETTINGS, '-n', 'client.rgw'] as const
    const keys = [`--access-key=${user.key}`, `--secret-key=${user.secret}`]
    // The first user before the storage class: it makes the zone that the class belongs to.
    await run(...admin, 'user', 'create', '--uid=test', '--display-name=test', ...keys)
    const placement = ['--rgw-zonegroup=default', '--placement-id=default-placement']
    await run(...admin, 'zonegroup', 'placement', 'add', ...placement, `--storage-class=${COLDER}`)
    await start('radosgw', '-n', 'client.rgw')
    const endpoint = `http://127.0.0.1:${ports.http}`
    await answers(endpoint, servers.at(-1) as ServerProcess, join(folder, 'log/radosgw.out'))
    const caFileName = authorityFile(join(folder, 'tls'))
    return { endpoint, tlsEndpoint: `https://localhost:${ports.tls}`, caFileName, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Its settings; without the short intervals every pool that is made takes a second. */
function configOf(folder: string, fsid: string, ports: { mon: number; http: number; tls: number }): string {
  const certificate = `ssl_certificate=${folder}/tls/cert.pem ssl_private_key=${folder}/tls/key.pem`
  return `
[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${ports.mon}
ms bind msgr2 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
paxos propose interval = 0.01
paxos min wait = 0.01
run dir = ${folder}
admin socket =
pid file =
log file = ${folder}/log/$name.log
[mon]
mon data = ${folder}/mon
mon data avail crit = 1
mon data avail warn = 2
mon cluster log file = ${folder}/log/cluster.log
[osd]
osd data = ${folder}/osd
osd objectstore = memstore
osd max object name len = 1024
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${ports.http} ssl_endpoint=127.0.0.1:${ports.tls} ${certificate}
rgw dns name = localhost
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey-1=YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo=
rgw enable usage log = false
rgw thread pool size = 16
rgw num rados handles = 1
`
}

/** The one program that cannot be told to keep its own settings is refused now and then. */
async function untilDone(work: () => Promise<void>): Promise<void> {
  for (let left = 20; left > 0; left--)
    if (
      await work().then(
        () => true,
        () => false,
      )
    )
      return
  await work()
}

async function answers(endpoint: string, server: ServerProcess, logFile: string): Promise<void> {
  for (const began = Date.now(); Date.now() - began < READY_MS && !server.hasEnded(); await sleep(20)) {
    const answer = await fetch(endpoint).catch(() => undefined)
    await answer?.text()
    if (answer?.ok) return
  }
  throw new Error(`radosgw does not answer:\n${lastLines(logFile, 10)}`)
}

const isThere = (): boolean =>
  PROGRAMS.every((name) => pathFolders().some((folder) => isProgram(join(folder, name))))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

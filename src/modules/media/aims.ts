import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { link, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type ListenOptions, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import type { Stores } from '../../data/index.ts'
import { newId } from '../../kernel/ids.ts'
import type { CanaryPair } from '../tenancy/index.ts'
import type { Aims } from './escape/breakOut.ts'

/** What a probe has laid out for a worker of A that wants to get at B. */
export interface Laid {
  aims: Omit<Aims, 'confined'>
  /** Of A's file, for A's worker. */
  own: string
  /** Content of A's file, and what only B's has. */
  markers: { a: string; b: string }
  /** Paths of the planted links in A's files. */
  links: Readonly<Record<string, string>>
  remove(): Promise<void>
}

const SHARED = '/dev/shm'
/** A UNIX socket's path has 107 bytes at most, and temporary folders can be deep. */
const SOCKETS = '/tmp'

/** Gives both canaries a file, plants links from A's folder to B's file, and opens servers to be called. */
export async function layOut(stores: Stores, { a, b }: CanaryPair): Promise<Laid> {
  const name = `probe-${newId()}`
  const [folderOfA, folderOfB] = [a, b].map(({ slug }) => join(stores.files, 'filestore', slug, name)) as [
    string,
    string,
  ]
  const markers = { a: `own ${newId()}`, b: `secret ${newId()}` }
  const shared = join(SHARED, name)
  const endings: (() => unknown)[] = [
    () =>
      Promise.all([folderOfA, folderOfB, shared].map((path) => rm(path, { recursive: true, force: true }))),
  ]
  const remove = async () => {
    for (const end of endings.splice(0).reverse()) await end()
  }
  try {
    await a.files.write(`${name}/own`, [Buffer.from(markers.a)])
    await b.files.write(`${name}/secret.mjs`, [Buffer.from(`export default '${markers.b}'\n`)])
    const target = join(folderOfB, 'secret.mjs')
    const links = await plant(folderOfA, folderOfB, `../../${b.slug}/${name}`)
    await writeFile(shared, markers.b, { mode: 0o600 })
    const held = await open(target)
    endings.push(() => held.close())
    const { sockets, datagrams } = await listen(join(SOCKETS, `${name}.sock`), endings)
    const aims = {
      target,
      planted: mapPaths(links, (path) => join(folderOfA, path)),
      server: { pid: process.pid, descriptor: held.fd },
      secrets: stores.secrets,
      shared,
      sockets: { ...sockets, ...storeSockets(stores) },
      datagrams,
    }
    return { aims, own: `${name}/own`, markers, links: mapPaths(links, (path) => `${name}/${path}`), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Links to B's file, by what they are: paths in A's folder. */
async function plant(folderOfA: string, folderOfB: string, way: string): Promise<Record<string, string>> {
  await mkdir(folderOfA, { recursive: true })
  const target = join(folderOfB, 'secret.mjs')
  await symlink(target, join(folderOfA, 'absolute'))
  await symlink(`${way}/secret.mjs`, join(folderOfA, 'relative'))
  await symlink(way, join(folderOfA, 'folder'))
  await link(target, join(folderOfA, 'hard'))
  return {
    'an absolute link': 'absolute',
    'a relative link': 'relative',
    'a link to the folder': 'folder/secret.mjs',
    'a hard link': 'hard',
  }
}

const mapPaths = (paths: Record<string, string>, change: (path: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(paths).map(([what, path]) => [what, change(path)]))

async function listen(path: string, endings: (() => unknown)[]) {
  const server = async (at: ListenOptions): Promise<AddressInfo> => {
    const listening = createServer((socket) => socket.on('error', () => undefined).end()).listen(at)
    await once(listening, 'listening')
    endings.push(() => listening.close())
    return listening.address() as AddressInfo
  }
  const abstract = `\0surety-${newId()}`
  await server({ path })
  await server({ path: abstract })
  const { port } = await server({ port: 0, host: '127.0.0.1' })
  const udp = createSocket('udp4', (_text, { port, address }) => udp.send('hello', port, address))
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  endings.push(() => udp.close())
  const sockets: Record<string, NetConnectOpts> = {
    'a server of this machine': { port, host: '127.0.0.1' },
    'an abstract socket': { path: abstract },
    'a socket in the file system': { path },
  }
  return { sockets, datagrams: udp.address().port }
}

function storeSockets({ address, redisAddress }: Stores): Record<string, NetConnectOpts> {
  const { host = '', port = 5432 } = address
  return {
    'the database': host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port },
    'the cache': redisAddress.path
      ? { path: redisAddress.path }
      : { host: redisAddress.host ?? 'localhost', port: redisAddress.port ?? 6379 },
  }
}

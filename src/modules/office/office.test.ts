import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, it } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { platformModules } from '../../cli/platform.ts'
import { readOperations } from '../api/index.ts'
import type { EdgeApi } from '../edge/index.ts'
import { buildPages } from './build.ts'

let platform: TestPlatform
let host: string
before(async () => {
  platform = await testPlatform(platformModules)
  await platform.serve()
  host = (await platform.makeTenant('rows')).hosts[0] as string
})
after(() => platform?.stop())

const door = () => platform.api('edge') as EdgeApi
const get = (path: string, headers: Record<string, string> = {}, at = host) =>
  door().request({ host: at, path, headers })
const scriptOf = (body: string) => /src="(\/office\/assets\/[^"]+\.js)"/.exec(body)?.[1] as string

it('answers every address below /office/ with one document, whose script carries the nonce of its answer', async () => {
  const [one, two] = [await get('/office/'), await get('/office/settings/users')]
  for (const { status, headers, body } of [one, two]) {
    assert.equal(status, 200)
    assert.equal(headers['cache-control'], 'no-store')
    const nonce = /'nonce-([^']+)'/.exec(String(headers['content-security-policy']))?.[1]
    assert.match(body, new RegExp(`<script[^>]+nonce="${nonce?.replace(/[+/]/g, '\\$&')}"`))
    assert.doesNotMatch(body, /CSP_NONCE|OFFICE_/)
  }
  assert.notEqual(one.body, two.body)
})

it('says whose host it is, and whether the browser holds a session', async () => {
  assert.match((await get('/office/')).body, /data-audience="tenant" data-cookies="no"/)
  const cookie = '__Host-surety-refresh=x'
  assert.match((await get('/office/', { cookie })).body, /data-audience="tenant" data-cookies="yes"/)
  assert.match((await get('/office/', {}, door().adminHost)).body, /data-audience="admin"/)
})

it('gives files that browsers keep for ever, packed for who can unpack them', async () => {
  const path = scriptOf((await get('/office/')).body)
  const plain = await get(path)
  assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable')
  assert.equal(plain.headers['content-encoding'], undefined)
  const packed = await get(path, { 'accept-encoding': 'gzip, br' })
  assert.equal(packed.headers['content-encoding'], 'br')
  const name = path.split('/').at(-1) as string
  const asset = (await buildPages()).assets.get(name)
  assert.equal(brotliDecompressSync(asset?.brotli as Buffer).toString(), plain.body)
  for (const path of ['/office/assets/none.js', '/office/assets/..%2findex.html'])
    assert.ok([400, 404].includes((await get(path)).status), path)
})

it('leads to the pages from the operators’ host, and not from a tenant’s, whose first page is the app’s', async () => {
  const { status, headers } = await get('/', {}, door().adminHost)
  assert.deepEqual([status, headers.location], [303, '/office/'])
  assert.equal((await get('/')).status, 404)
})

it('builds once for two who ask at once', async () => {
  const [one, two] = await Promise.all([buildPages(), buildPages()])
  assert.deepEqual([...one.assets.keys()], [...two.assets.keys()])
})

it('asks only for routes that there are', async () => {
  const text = readFileSync(new URL('../../../web/src/api/routes.ts', import.meta.url), 'utf8')
  const asked = [...text.matchAll(/^ {2}'([A-Z]+ \/api\/[^']+)'/gm)].map(([, route]) => route as string)
  const hosts = await Promise.all([host, door().adminHost].map((at) => readOperations(door(), at)))
  const known = new Set(
    hosts.flat().map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  )
  assert.ok(asked.length > 30, `${asked.length} routes found`)
  // The document does not list itself, and payments are there only where a provider is named.
  const apart = ['GET /api/v1/openapi.json', 'GET /api/v1/billing']
  const missing = asked.filter((route) => !known.has(route) && !apart.includes(route))
  assert.deepEqual(missing, [])
})

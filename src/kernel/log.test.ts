import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { it } from 'node:test'
import pino from 'pino'
import { attachSink, createLog, guardOf, printable } from './log.ts'

const SECRET = 'tr0ub4dor-canary'
const MAIL = 'jane.doe+x@mail.example.org'
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ'

type Write = (log: pino.Logger) => void

function written(write: Write, redacting = true): string {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  write(redacting ? createLog({ name: 't', level: 'info', destination }) : pino({ name: 't' }, destination))
  return lines.join('')
}

const nest = (depth: number, value: object): object =>
  depth === 0 ? value : { inner: [nest(depth - 1, value)] }

const ways: Record<string, Write> = {
  ...Object.fromEntries(
    [
      'password',
      'accessToken',
      'jwt',
      'authorization',
      'set-cookie',
      'apiKey',
      'DATABASE_URL',
      'SMTP_PASS',
    ].map((name, depth) => [
      `${name} at depth ${depth}`,
      (log) => log.info(nest(depth, { [name]: SECRET }), 'm'),
    ]),
  ),
  'an object under a secret name': (log) => log.info({ credentials: { any: SECRET } }),
  'a child binding': (log) => log.child({ deep: { token: SECRET } }).info('m'),
  'a mail address in a field': (log) => log.info({ user: { email: MAIL } }),
  'a mail address in a message': (log) => log.info(`no account for ${MAIL} here`),
  'an encoded one in a URL': (log) => log.info({ url: `/users?who=${encodeURIComponent(MAIL)}` }),
  'a message with arguments': (log) => log.info('user %s has %j', MAIL, { password: SECRET }),
  'an error and its causes': (log) =>
    log.error({
      err: new Error(`a ${MAIL}`, { cause: new Error('b', { cause: new Error(`password=${SECRET}`) }) }),
    }),
  'an error alone': (log) => log.error(new Error(`Bearer ${SECRET}`)),
  'an error at another name, with properties': (log) =>
    log.error({ oops: Object.assign(new Error('x'), { config: { headers: { authorization: SECRET } } }) }),
  'several errors': (log) => log.error({ err: new AggregateError([new Error(`token=${SECRET}`)], 'many') }),
  'a JWT in a message': (log) => log.info(`got ${JWT}`),
  'a URL with a password': (log) => log.info({ to: `postgres://app:${SECRET}@db.internal/x` }),
  'a query string': (log) => log.info(`GET /callback?code=${SECRET}&x=1`),
  'a URL object': (log) => log.info({ url: new URL(`https://x.example/?access_token=${SECRET}`) }),
  'JSON in a string': (log) => log.info({ body: JSON.stringify({ password: SECRET }) }),
  'JSON in JSON in a string': (log) =>
    log.info({ body: JSON.stringify({ b: JSON.stringify({ api_key: SECRET }) }) }),
  'a cookie': (log) => log.info(`cookie was __Host-surety-access=${SECRET}; Path=/`),
  'a header line': (log) => log.info(`Authorization: ${SECRET}`),
  'a private key': (log) => log.info(`-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`),
  'what toJSON gives': (log) => log.info({ at: { toJSON: () => ({ secret: SECRET }) } }),
}

const leaks = (text: string): boolean =>
  [SECRET, MAIL, encodeURIComponent(MAIL), 'jane.doe', 'c2lnbmF0dXJlLWNhbmFyeQ'].some((canary) =>
    text.includes(canary),
  )

for (const [way, write] of Object.entries(ways))
  it(`${way} does not reach the log`, () => {
    const text = written(write)
    assert.equal(leaks(text), false, text)
    for (const line of text.trim().split('\n')) JSON.parse(line)
    const bare = written(write, false)
    // pino says nothing of an error that is not under `err`.
    assert.ok(leaks(bare) || /oops|causes|several/.test(bare + way), bare)
  })

it('leaves what is harmless as it is', () => {
  const entry = {
    requestId: 'r',
    status: 200,
    ms: 12,
    at: new Date(0),
    list: [1, { zip: 'x', tokenKind: 'k' }],
    none: null,
  }
  const [ours, bare] = [true, false].map((redacting) =>
    JSON.parse(written((log) => log.info(entry, 'a: b, c=d'), redacting)),
  )
  assert.deepEqual({ ...ours, time: 0 }, { ...bare, time: 0 })
})

it('tells an error with its causes', () => {
  const { err } = JSON.parse(
    written((log) => log.error({ err: new Error('a', { cause: new TypeError('b') }) })),
  )
  assert.deepEqual([err.message, err.cause.type, err.cause.message], ['a', 'TypeError', 'b'])
  assert.match(err.stack, /log\.test/)
})

it('ends at cycles and at what is too much', () => {
  const cycle: Record<string, unknown> = {
    token: SECRET,
    many: Array.from({ length: 10_000 }, () => ({ a: 1 })),
  }
  cycle.self = [cycle, { cycle }]
  const text = written((log) => log.info(cycle))
  assert.equal(leaks(text), false)
  assert.match(text, /\[more\]/)
})

it('gives the same person the same name, and raises an alarm for what stood in free text', () => {
  const lines: string[] = []
  const log = createLog({
    name: 't',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  })
  guardOf(log).pseudonym = (text) => `[mail:${text.length}]`
  log.child({ module: 'm' }).info({ email: 'a@b.example' }, 'hello a@b.example')
  assert.match(lines[0] as string, /"email":"\[mail:11\]","msg":"hello \[mail:11\]"/)
  assert.deepEqual(JSON.parse(lines[1] as string).found, ['mail'])
})

it('hands sinks what is too quiet for the output', () => {
  const [shown, kept]: string[][] = [[], []]
  const destination = { write: (line: string) => void shown.push(line) }
  const log = createLog({ name: 't', level: 'error', destination })
  const child = log.child({})
  const detach = attachSink(log, {
    write: (line, level, kind) => void kept.push(`${level} ${kind} ${JSON.parse(line).msg}`),
  })
  child.info({ kind: 'request' }, 'a')
  child.error('b')
  detach()
  child.error('c')
  assert.deepEqual(
    [shown.map((line) => JSON.parse(line).msg), kept],
    [
      ['b', 'c'],
      ['30 request a', '50 undefined b'],
    ],
  )
})

it('an error that nobody caught ends the process by way of the log', () => {
  const log = JSON.stringify(new URL('./log.ts', import.meta.url).href)
  const script = `import { crashThrough, createLog } from ${log}
    crashThrough(createLog({ name: 't', level: 'warn' }))
    setTimeout(() => Promise.reject(new Error('token=${SECRET} of ${MAIL}')))`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.deepEqual([status, stderr], [1, ''])
  assert.match(stdout, /"level":60.*token=\[redacted\] of \[mail\]/)
  assert.equal(leaks(stdout), false)
})

it('an error for a terminal is without secrets as well', () => {
  const error = new Error(`postgres://app:${SECRET}@db/x of ${MAIL}`, { cause: { password: SECRET } })
  const text = printable(error)
  assert.match(text, /Error: postgres:\/\/\[redacted\]@db\/x of \[mail\]/)
  assert.equal(leaks(text), false, text)
})
